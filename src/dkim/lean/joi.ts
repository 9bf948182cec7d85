// What mailauth's key reader uses of joi, for the bundle (bin/build.ts): joi whole takes 50 ms to load.

type Checked = { readonly error?: Error };

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;

/** Only `Joi.string().base64({ paddingRequired: false }).validate(text)`. */
export function string() {
  return { base64: () => ({ validate }) };
}

function validate(text: unknown): Checked {
  if (typeof text === 'string' && text !== '' && BASE64.test(text)) return {};
  return { error: new Error('"value" must be a valid base64 string') };
}
