import { readFileSync } from 'node:fs';
import { root } from './run.ts';

type Otp = {
  readonly aes_key: string;
  readonly public_id: string;
  readonly private_id: string;
  readonly use_counter: number;
  readonly timestamp: number;
  readonly session_use: number;
  readonly random: number;
  readonly crc: number;
  readonly otp: string;
};

type Vectors = {
  readonly modhex: readonly { readonly hex?: string; readonly modhex?: string; readonly invalid?: string }[];
  readonly crc16: readonly { readonly data: string; readonly crc: number }[];
  readonly otp: readonly Otp[];
  readonly otp_decode: readonly Otp[];
  readonly otp_dvorak: { readonly modhex: string; readonly us_dvorak: string };
  readonly hmac_sha1_challenge: readonly {
    readonly key: string;
    readonly challenge: string;
    readonly response: string;
  }[];
  readonly hotp: { readonly key: string; readonly values: readonly string[] };
  readonly slot_config_52: readonly {
    readonly what: string;
    readonly fields: {
      readonly key?: string;
      readonly uid?: string;
      readonly ext?: number;
      readonly tkt?: number;
      readonly cfg?: number;
    };
    readonly config: string;
  }[];
  readonly write_reports: readonly {
    readonly what: string;
    readonly command: number;
    readonly payload: string;
    readonly reports: readonly string[];
  }[];
  readonly device_info: readonly { readonly response: string }[];
  readonly status_report: readonly { readonly report: string }[];
};

/** The published vectors; test/fixtures/yubikey/README.md names their sources. */
export const vectors = JSON.parse(
  readFileSync(`${root}test/fixtures/yubikey/vectors.json`, 'utf8'),
) as Vectors;

export const hex = (text: string): Buffer => Buffer.from(text, 'hex');
