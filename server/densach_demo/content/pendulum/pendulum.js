// Con lắc đơn: giải phương trình θ″ = -(g/l)·sin θ từng bước nhỏ, không xấp xỉ góc nhỏ, nên góc lớn thì chu kì dài hơn.
"use strict";
(function () {
  const get = (id) => document.getElementById(id);
  const written = (value, digits) => value.toFixed(digits).replace(".", ",");
  let theta = 0, speed = 0, clock = 0, crossed = null, running = true, last = null;

  function settings() {
    return { length: Number(get("length").value), angle: Number(get("angle").value), gravity: Number(get("gravity").value) };
  }

  function restart() {
    const s = settings();
    theta = (s.angle * Math.PI) / 180;
    speed = 0;
    clock = 0;
    crossed = null;
    get("length-said").value = written(s.length, 2);
    get("angle-said").value = String(s.angle);
    get("small").textContent = written(2 * Math.PI * Math.sqrt(s.length / s.gravity), 2) + " s";
    get("measured").textContent = "chưa rõ";
    draw(s);
  }

  function step(s, dt) {
    const before = theta;
    speed -= (s.gravity / s.length) * Math.sin(theta) * dt;
    theta += speed * dt;
    clock += dt;
    if (before > 0 && theta <= 0) { // nửa vòng này đi qua vị trí cân bằng từ phải sang trái
      if (crossed !== null) get("measured").textContent = written(clock - crossed, 2) + " s";
      crossed = clock;
    }
  }

  function draw(s) {
    const reach = 60 + (s.length / 2) * 130;
    const x = Math.sin(theta) * reach, y = Math.cos(theta) * reach;
    get("string").setAttribute("x2", x);
    get("string").setAttribute("y2", y);
    get("bob").setAttribute("cx", x);
    get("bob").setAttribute("cy", y);
  }

  function frame(now) {
    if (running && last !== null) {
      const s = settings();
      const passed = Math.min((now - last) / 1000, 0.1);
      for (let i = 0; i < 20; i += 1) step(s, passed / 20);
      draw(s);
    }
    last = now;
    requestAnimationFrame(frame);
  }

  for (const id of ["length", "angle", "gravity"]) get(id).addEventListener("input", restart);
  get("pause").addEventListener("click", () => {
    running = !running;
    get("pause").textContent = running ? "Dừng" : "Chạy tiếp";
  });
  restart();
  requestAnimationFrame(frame);
})();
