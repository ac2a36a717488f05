// SHA-256 and SHA-1 in plain code: the browser's own need a secure context, which a school's plain http is not.

const K = new Uint32Array(64);
const H = new Uint32Array(8);

function fraction(value) {
  return ((value - Math.floor(value)) * 0x100000000) >>> 0;
}

(function constants() {
  let count = 0;
  for (let n = 2; count < 64; n += 1) {
    let prime = true;
    for (let d = 2; d * d <= n; d += 1) if (n % d === 0) prime = false;
    if (!prime) continue;
    if (count < 8) H[count] = fraction(Math.sqrt(n));
    K[count] = fraction(Math.cbrt(n));
    count += 1;
  }
})();

function padded(bytes) {
  const whole = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  whole.set(bytes);
  whole[bytes.length] = 0x80;
  const view = new DataView(whole.buffer);
  view.setUint32(whole.length - 8, Math.floor(bytes.length / 0x20000000));
  view.setUint32(whole.length - 4, (bytes.length << 3) >>> 0);
  return view;
}

function joined(words) {
  const out = new Uint8Array(words.length * 4);
  const view = new DataView(out.buffer);
  words.forEach((word, n) => view.setUint32(n * 4, word));
  return out;
}

export function sha256(bytes) {
  const view = padded(bytes);
  const state = new Uint32Array(H);
  const w = new Uint32Array(64);
  for (let at = 0; at < view.byteLength; at += 64) {
    for (let n = 0; n < 16; n += 1) w[n] = view.getUint32(at + n * 4);
    for (let n = 16; n < 64; n += 1) {
      const x = w[n - 15];
      const y = w[n - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[n] = (w[n - 16] + s0 + w[n - 7] + s1) | 0;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let n = 0; n < 64; n += 1) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[n] + w[n]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((word, n) => { state[n] = (state[n] + word) | 0; });
  }
  return joined([...state]);
}

export function sha1(bytes) {
  const view = padded(bytes);
  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  const w = new Uint32Array(80);
  for (let at = 0; at < view.byteLength; at += 64) {
    for (let n = 0; n < 16; n += 1) w[n] = view.getUint32(at + n * 4);
    for (let n = 16; n < 80; n += 1) {
      const x = w[n - 3] ^ w[n - 8] ^ w[n - 14] ^ w[n - 16];
      w[n] = (x << 1) | (x >>> 31);
    }
    let [a, b, c, d, e] = state;
    for (let n = 0; n < 80; n += 1) {
      const [f, k] = n < 20 ? [(b & c) | (~b & d), 0x5a827999]
        : n < 40 ? [b ^ c ^ d, 0x6ed9eba1]
          : n < 60 ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc] : [b ^ c ^ d, 0xca62c1d6];
      const t = (((a << 5) | (a >>> 27)) + f + e + k + w[n]) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = t;
    }
    [a, b, c, d, e].forEach((word, n) => { state[n] = (state[n] + word) | 0; });
  }
  return joined(state);
}

export function base64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}
