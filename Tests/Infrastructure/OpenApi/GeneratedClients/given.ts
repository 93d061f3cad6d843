import { readFileSync } from "node:fs";
import process from "node:process";

/** The test's arguments (the server's address and an image) and the user to register. */
const [address, image] = process.argv.slice(2) as [string, string];

export const baseUrl = address.replace(/\/$/, "");
export const photo = new File([readFileSync(image)], "photo.jpg", { type: "image/jpeg" });
export const someone = { name: "John Doe", email: `${crypto.randomUUID()}@example.com`, password: "correct horse battery" };

/** The answer's data; throws the server's error when there is none. */
export function answered<T>({ data, error }: { data?: T; error?: unknown }): T {
  if (data === undefined || error !== undefined) throw new Error(JSON.stringify(error ?? "No answer."));
  return data;
}

export function equal<T>(actual: T, expected: T): void {
  if (actual !== expected) throw new Error(`${String(actual)} is not ${String(expected)}`);
}
