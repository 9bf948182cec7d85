/** A key that is open: feature reports of 8 bytes, without the report id. */
export type HidDevice = {
  readonly receive: () => Promise<Uint8Array>;
  readonly send: (report: Uint8Array) => Promise<void>;
  readonly close: () => Promise<void>;
};

/** Where a key can be opened. */
export type Place = {
  /** Device node, such as /dev/hidraw0. */
  readonly node: string;
  readonly productId: number;
  /** Release number of the USB device: the firmware, in most keys. */
  readonly release: number;
  readonly open: () => Promise<HidDevice>;
};

/** A key that is plugged in, but cannot be spoken to over the OTP interface. */
export type Stranger = {
  readonly productId: number;
  readonly release: number;
  /** Where the system knows it, such as a folder of sysfs. */
  readonly where: string;
  /** The product has no such interface, or there is no node for it. */
  readonly why: 'no-otp-interface' | 'no-node';
};

/** What is plugged in. */
export type Desk = { readonly places: readonly Place[]; readonly strangers: readonly Stranger[] };

/** The clock that a conversation with a key goes by. */
export type Timing = {
  /** Milliseconds; only differences count. */
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
};
