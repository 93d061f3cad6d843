import { client } from "./generated/hey/client.gen.js";
import { login, patchMe, register, uploadImage } from "./generated/hey/index.js";
import { answered, baseUrl, equal, photo, someone } from "./given.js";

client.setConfig({ baseUrl });

const registered = answered(await register({ body: someone }));
equal("id" in registered, true);
const tokens = answered(await login({ body: { email: someone.email, password: someone.password, device: "A test" } }));
equal(tokens.token_type, "Bearer");
client.setConfig({ auth: tokens.access_token });

const uploaded = answered(await uploadImage({ body: { image: photo } }));
equal(typeof uploaded.image.variants["96"], "string");

const patched = answered(await patchMe({ body: { bio: "Climbs things.", metadata: { theme: "dark" } } }));
equal(patched.bio, "Climbs things.");
equal(patched.image?.url, uploaded.image.url);

const refused = await patchMe({ body: { username: "x" } });
equal(refused.error?.code, "username_wrong_length");
