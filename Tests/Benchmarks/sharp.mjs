// The service's work on an image, by sharp. Says what it makes of it in base64, then for each number of seconds that it is sent how many it made in how many, one JSON a line.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const [directory, path, atOnce] = process.argv.slice(2);
const sharp = createRequire(`${directory}/`)('sharp');
const input = readFileSync(path);

// No image comes twice. Two threads on one image are faster only while the other processor has none of its own.
sharp.cache(false);
sharp.concurrency(Number(atOnce) === 1 ? 2 : 1);

const jpeg = { quality: 82, optimiseCoding: true };
const decoded = image => image.raw().toBuffer({ resolveWithObject: true });
const from = ({ data, info }) => sharp(data, { raw: info });

// The fastest of the ways tried: decoding once for each result costs twice as much, and cutting every square from the whole image a tenth more
// than each from the next larger one. Whatever does not need the other's result runs beside it.
async function make() {
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

const say = answer => process.stdout.write(`${JSON.stringify(answer)}\n`);
say((await make()).map(image => image.toString('base64')));

for await (const seconds of createInterface({ input: process.stdin })) {
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  let images = 0;
  await Promise.all(Array.from({ length: Number(atOnce) }, async () => {
    while (elapsed() < Number(seconds)) {
      await make();
      images++;
    }
  }));
  say({ images, seconds: elapsed() });
}
