// The run-time of SCORM 1.2 (ADL RTE 1.2), put into every page of a lesson by the packages' origin. It holds no session and
// no key of the hub's: what it knows came in the frame's name, what the lesson says goes to the hub's page by postMessage.

(function () {
  "use strict";
  var SEND_AFTER_MS = 300;
  var MOST_SUSPEND = 16384;
  var above = window.parent;
  var start = null;
  try {
    start = JSON.parse(window.name);
  } catch (none) {
    start = null;
  }
  if (!start || start.densach !== "lesson") start = null;

  // Without an origin of its own a lesson has no storage: one that lives as long as the page keeps old ones from failing.
  ["localStorage", "sessionStorage"].forEach(function (name) {
    try {
      void window[name];
    } catch (refused) {
      var kept = {};
      var storage = {
        getItem: function (key) { return Object.prototype.hasOwnProperty.call(kept, key) ? kept[key] : null; },
        setItem: function (key, value) { kept[key] = String(value); },
        removeItem: function (key) { delete kept[key]; },
        clear: function () { kept = {}; },
        key: function (n) { return Object.keys(kept)[n] || null; },
        get length() { return Object.keys(kept).length; },
      };
      Object.defineProperty(window, name, { value: storage, configurable: true });
    }
  });

  if (!start) return; // a frame inside the lesson: it finds the API through its parent, or there is none

  var WORDS = {
    0: "No error", 101: "General exception", 201: "Invalid argument error", 202: "Element cannot have children",
    203: "Element not an array - cannot have count", 301: "Not initialized", 401: "Not implemented error",
    402: "Invalid set value, element is a keyword", 403: "Element is read only", 404: "Element is write only",
    405: "Incorrect data type",
  };
  var text = function (most) { return function (value) { return value.length <= most; }; };
  var oneOf = function () {
    var known = Array.prototype.slice.call(arguments);
    return function (value) { return known.indexOf(value) >= 0; };
  };
  var score = function (value) { return value === "" || (/^\d{1,3}(\.\d{1,7})?$/.test(value) && Number(value) <= 100); };
  var time = function (value) { return /^\d{2,4}:\d{2}:\d{2}(\.\d{1,2})?$/.test(value); };
  var whole = function (low, high) {
    return function (value) { return /^-?\d{1,3}$/.test(value) && Number(value) >= low && Number(value) <= high; };
  };
  var status = oneOf("passed", "completed", "failed", "incomplete", "browsed", "not attempted");
  // element: [may be read, how a value must be (none: may not be written), kept for the next time]
  var MODEL = {
    "cmi.core.student_id": [true], "cmi.core.student_name": [true], "cmi.core.credit": [true], "cmi.core.entry": [true],
    "cmi.core.total_time": [true], "cmi.core.lesson_mode": [true], "cmi.launch_data": [true], "cmi.comments_from_lms": [true],
    "cmi.student_data.mastery_score": [true], "cmi.student_data.max_time_allowed": [true],
    "cmi.student_data.time_limit_action": [true],
    "cmi.core.lesson_location": [true, text(1000), true], "cmi.core.lesson_status": [true, status, true],
    "cmi.core.score.raw": [true, score, true], "cmi.core.score.min": [true, score, true], "cmi.core.score.max": [true, score, true],
    "cmi.core.exit": [false, oneOf("time-out", "suspend", "logout", ""), true], "cmi.core.session_time": [false, time],
    "cmi.suspend_data": [true, text(MOST_SUSPEND), true], "cmi.comments": [true, text(4096), true],
    "cmi.student_preference.audio": [true, whole(-1, 100), true], "cmi.student_preference.language": [true, text(255), true],
    "cmi.student_preference.speed": [true, whole(-100, 100), true], "cmi.student_preference.text": [true, whole(-1, 1), true],
  };
  var OBJECTIVE = {
    id: [true, text(255), true], status: [true, status, true], "score.raw": [true, score, true],
    "score.min": [true, score, true], "score.max": [true, score, true],
  };
  var INTERACTION = /^cmi\.interactions\.\d{1,4}\.(id|time|type|weighting|student_response|result|latency|objectives\.\d+\.id|correct_responses\.\d+\.pattern)$/;
  var CHILDREN = {
    "cmi.core._children": "student_id,student_name,lesson_location,credit,lesson_status,entry,score,total_time,lesson_mode,exit,session_time",
    "cmi.core.score._children": "raw,min,max", "cmi.objectives._children": "id,score,status",
    "cmi.interactions._children": "id,objectives,time,type,correct_responses,weighting,student_response,result,latency",
    "cmi.student_data._children": "mastery_score,max_time_allowed,time_limit_action",
    "cmi.student_preference._children": "audio,language,speed,text", "cmi._version": "3.4",
  };

  var values = start.values;
  var session = start.session || "";
  var running = Boolean(start.running);
  var interactions = 0;
  var error = 0;
  var timer = 0;

  function fail(code) {
    error = code;
    return code === 0;
  }

  function rule(element) {
    var match = /^cmi\.objectives\.(\d{1,3})\.(.+)$/.exec(element);
    if (match) return Object.prototype.hasOwnProperty.call(OBJECTIVE, match[2]) ? OBJECTIVE[match[2]] : null;
    return Object.prototype.hasOwnProperty.call(MODEL, element) ? MODEL[element] : null;
  }

  function objectives() {
    var n = 0;
    while (Object.keys(values).some(function (name) { return name.indexOf("cmi.objectives." + n + ".") === 0; })) n += 1;
    return n;
  }

  // Kept in the frame's name, so that the next page of the same lesson goes on; told to the hub's page.
  function keep(finished) {
    clearTimeout(timer);
    timer = 0;
    var said = {};
    Object.keys(values).forEach(function (name) {
      var known = rule(name);
      if (known && known[2]) said[name] = values[name];
    });
    said["cmi.core.total_time"] = finished ? values["cmi.core.total_time"] : sum(values["cmi.core.total_time"], session);
    window.name = JSON.stringify({ densach: "lesson", key: start.key, values: values, session: session, running: running });
    above.postMessage({ densach: "lesson", key: start.key, said: said, finished: finished }, "*");
  }

  function soon() {
    if (!timer) timer = setTimeout(function () { keep(false); }, SEND_AFTER_MS);
  }

  function hundredths(said) {
    var match = /^(\d{2,4}):(\d{2}):(\d{2})(?:\.(\d{1,2}))?$/.exec(said || "");
    return match ? (Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3])) * 100 + Number(((match[4] || "0") + "0").slice(0, 2)) : 0;
  }

  function sum(a, b) {
    var all = Math.min(hundredths(a) + hundredths(b), 9999 * 360000);
    var two = function (n) { return (n < 10 ? "0" : "") + n; };
    var hours = Math.floor(all / 360000);
    return (hours < 1000 ? ("000" + hours).slice(-4) : hours) + ":" + two(Math.floor(all / 6000) % 60) + ":" + two(Math.floor(all / 100) % 60) + "." + two(all % 100);
  }

  var API = {
    LMSInitialize: function (nothing) {
      if (nothing !== "" && nothing !== undefined && nothing !== null) return String(fail(201));
      if (running && !start.running) return String(fail(101));
      running = true;
      start.running = false;
      keep(false);
      return String(fail(0));
    },
    LMSFinish: function () {
      if (!running) return String(fail(301));
      var reached = values["cmi.core.score.raw"];
      var mastery = values["cmi.student_data.mastery_score"];
      var now = values["cmi.core.lesson_status"];
      if (now === "not attempted") values["cmi.core.lesson_status"] = "completed";
      if (mastery !== "" && score(mastery) && reached) {
        values["cmi.core.lesson_status"] = Number(reached) >= Number(mastery) ? "passed" : "failed";
      }
      values["cmi.core.total_time"] = sum(values["cmi.core.total_time"], session);
      session = "";
      running = false;
      keep(true);
      return String(fail(0));
    },
    LMSGetValue: function (element) {
      element = String(element);
      error = 0;
      if (!running) { fail(301); return ""; }
      if (Object.prototype.hasOwnProperty.call(CHILDREN, element)) return CHILDREN[element];
      if (element === "cmi.objectives._count") return String(objectives());
      if (element === "cmi.interactions._count") return String(interactions);
      if (/\._children$/.test(element)) { fail(202); return ""; }
      if (/\._count$/.test(element)) { fail(203); return ""; }
      var known = rule(element);
      if (!known) { fail(INTERACTION.test(element) ? 404 : 201); return ""; }
      if (!known[0]) { fail(404); return ""; }
      return values[element] === undefined ? "" : values[element];
    },
    LMSSetValue: function (element, value) {
      element = String(element);
      value = value === undefined || value === null ? "" : String(value);
      if (!running) return String(fail(301));
      if (/\.(_children|_count|_version)$/.test(element) || element === "cmi._version") return String(fail(402));
      if (INTERACTION.test(element)) { // heard, counted, not kept: answers are nobody's but the pupil's
        interactions = Math.max(interactions, Number(element.split(".")[2]) + 1);
        return String(fail(0));
      }
      var known = rule(element);
      if (!known) return String(fail(201));
      if (!known[1]) return String(fail(403));
      if (!known[1](value)) return String(fail(405));
      var match = /^cmi\.objectives\.(\d+)\./.exec(element);
      if (match && (Number(match[1]) > objectives() || Number(match[1]) >= 200)) return String(fail(201));
      if (element === "cmi.core.lesson_status" && value === "not attempted") return String(fail(405));
      if (element === "cmi.core.session_time") session = value;
      else values[element] = element === "cmi.comments" ? ((values[element] || "") + value).slice(0, 4096) : value;
      soon();
      return String(fail(0));
    },
    LMSCommit: function () {
      if (!running) return String(fail(301));
      keep(false);
      return String(fail(0));
    },
    LMSGetLastError: function () { return String(error); },
    LMSGetErrorString: function (code) { return WORDS[code] || ""; },
    LMSGetDiagnostic: function (code) { return WORDS[code === "" || code === undefined ? error : code] || ""; },
  };

  window.API = API;
  // Lessons look for it in the windows above theirs; ours is the topmost they may see.
  var shown = { API: API, postMessage: function () { return undefined; } };
  shown.parent = shown;
  try {
    Object.defineProperty(window, "parent", { value: shown, configurable: true });
  } catch (fixed) {
    // The lesson finds the API in its own window.
  }
  addEventListener("pagehide", function () { if (running) keep(false); });
})();
