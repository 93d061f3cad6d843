// The service's work on an image, by sharp. Says what it makes of it in base64, then for each number of seconds that it is sent how many it
// made in how many, one JSON a line. With "serve" it is a server instead, which stores what it makes of an uploaded image.
import { readFileSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const [directory, path, atOnce] = process.argv.slice(2);
const sharp = createRequire(`${directory}/`)('sharp');

// No image comes twice. Two threads on one image are faster only while the other processor has none of its own.
sharp.cache(false);
sharp.concurrency(Number(atOnce) === 1 ? 2 : 1);

const jpeg = { quality: 82, optimiseCoding: true };
const decoded = image => image.raw().toBuffer({ resolveWithObject: true });
const from = ({ data, info }) => sharp(data, { raw: info });

// The fastest of the ways tried: decoding once for each result costs twice as much, and cutting every square from the whole image a tenth more
// than each from the next larger one. Whatever does not need the other's result runs beside it.
async function make(input) {
  const whole = await decoded(sharp(input).autoOrient().resize(1024, 1024, { fit: 'inside', withoutEnlargement: true }).flatten({ background: '#fff' }));
  const main = from(whole).jpeg(jpeg).toBuffer();
  const small = from(whole).resize(32, 32, { fit: 'inside' }).raw().toBuffer();
  const squares = [];
  let larger = whole;
  for (const side of [512, 256, 96]) {
    larger = await decoded(from(larger).resize(side, side));
    squares.push(from(larger).jpeg(jpeg).toBuffer());
  }
  await small;
  return Promise.all([main, ...squares]);
}

async function measure() {
  const input = readFileSync(path);
  const say = answer => process.stdout.write(`${JSON.stringify(answer)}\n`);
  say((await make(input)).map(image => image.toString('base64')));
  for await (const seconds of createInterface({ input: process.stdin })) {
    const start = performance.now();
    const elapsed = () => (performance.now() - start) / 1000;
    let images = 0;
    await Promise.all(Array.from({ length: Number(atOnce) }, async () => {
      while (elapsed() < Number(seconds)) {
        await make(input);
        images++;
      }
    }));
    say({ images, seconds: elapsed() });
  }
}

// Flushed and renamed, as the service stores an image.
async function store(image, name) {
  const file = await open(`${name}.tmp`, 'w');
  await file.writeFile(image);
  await file.sync();
  await file.close();
  await rename(`${name}.tmp`, name);
}

async function receive(request) {
  const parts = [];
  for await (const part of request) {
    parts.push(part);
  }
  const body = Buffer.concat(parts);
  const boundary = request.headers['content-type'].split('boundary=')[1];
  return body.subarray(body.indexOf('\r\n\r\n') + 4, body.lastIndexOf(`\r\n--${boundary}`));
}

async function serve() {
  await mkdir('images', { recursive: true });
  let count = 0;
  createServer(async (request, response) => {
    if (request.method === 'POST') {
      const images = await make(await receive(request));
      const user = count++ % 8;
      await Promise.all(images.map((image, i) => store(image, `images/${user}_${i}.jpg`)));
      const folder = await open('images');
      await folder.sync();
      await folder.close();
    }
    const answer = JSON.stringify({ message: 'Upload successful' });
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': answer.length }).end(answer);
  }).listen(Number(process.env.PORT), '127.0.0.1');
}

await (path === 'serve' ? serve() : measure());
