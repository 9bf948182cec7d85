import type { Attachment } from 'postal-mime';
import type { MessageBody } from '../schema/message-view.ts';

/** How much of a message is looked at, and how much of it is shown. */
export type BodyLimits = {
  /** Bytes of the message that are taken apart. */
  readonly bytes: number;
  /** Characters of text, and of HTML, that are shown. */
  readonly characters: number;
  /** Bytes of images that are shown inside the HTML. */
  readonly images: number;
};

export const BODY_LIMITS: BodyLimits = { bytes: 20_000_000, characters: 500_000, images: 4_000_000 };

const MAX_ATTACHMENTS = 100;
const SHOWN_IMAGES = /^image\/(?:png|jpeg|gif|webp)$/;

/**
 * Take a message apart (RFC 2045 to 2049) as far as it is shown: its text, its HTML made harmless, the names of
 * what is attached. Messages inside it are attachments. Never throws: what cannot be read is no body.
 *
 * @returns null where there is nothing to read
 */
export async function readBody(message: Uint8Array, limits = BODY_LIMITS): Promise<MessageBody | null> {
  const { default: PostalMime } = await import('postal-mime');
  const bytes = message.subarray(0, limits.bytes);
  try {
    const email = await PostalMime.parse(bytes, {
      forceRfc822Attachments: true,
      maxNestingDepth: 30,
      maxHeadersSize: 1024 * 1024,
    });
    const html = email.html === undefined ? null : await htmlOf(email.html, email.attachments, limits);
    const text = email.text ?? html?.text ?? null;
    const attached = email.attachments.filter(({ related }) => related !== true);
    return {
      text: text?.slice(0, limits.characters) ?? null,
      html: html?.html ?? null,
      leftOut: { remote: html?.remote ?? 0, active: html?.active ?? 0 },
      attachments: attached.slice(0, MAX_ATTACHMENTS).map(({ filename, mimeType, content }) => ({
        name: filename,
        mediaType: mimeType,
        sizeBytes: sizeOf(content),
      })),
      truncated:
        message.length > limits.bytes ||
        (text ?? '').length > limits.characters ||
        (email.html ?? '').length > limits.characters ||
        attached.length > MAX_ATTACHMENTS,
    };
  } catch {
    return null;
  }
}

async function htmlOf(source: string, attachments: readonly Attachment[], limits: BodyLimits) {
  const { safeHtml } = await import('./html-body.ts');
  return safeHtml(source.slice(0, limits.characters), imagesOf(attachments, limits.images));
}

/** Images that the HTML shows by their content id. */
function imagesOf(attachments: readonly Attachment[], limit: number): ReadonlyMap<string, string> {
  const images = new Map<string, string>();
  let left = limit;
  for (const { contentId, mimeType, content } of attachments) {
    const size = sizeOf(content);
    if (contentId === undefined || !SHOWN_IMAGES.test(mimeType) || size > left) continue;
    left -= size;
    const base64 = Buffer.from(content as ArrayBuffer).toString('base64');
    images.set(contentId.replaceAll(/^<|>$/g, ''), `data:${mimeType};base64,${base64}`);
  }
  return images;
}

function sizeOf(content: Attachment['content']): number {
  return typeof content === 'string' ? content.length : content.byteLength;
}
