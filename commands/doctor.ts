import { join } from 'node:path';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base.ts';
import { dnsFlags, FINDING_FORMATS, formatFlag, smtpFlags, withEnvironment } from '../src/cli/flags.ts';
import { deskStoreFlags } from '../src/cli/key-store.ts';
import { lookAtMachine } from '../src/cli/machine.ts';
import { databasesOfThrottle, foldersOfStores, lookAtServices } from '../src/cli/own-services.ts';
import { renderDoctor } from '../src/cli/render/doctor.ts';
import { serviceFlags } from '../src/cli/throttle-service.ts';
import { openDns } from '../src/cli/world.ts';
import { examine } from '../src/doctor/examine.ts';
import { dialTcp } from '../src/net/dial.ts';
import type { DoctorResult } from '../src/schema/doctor.ts';

export default class Doctor extends BaseCommand {
  static override summary = 'Examine whether this machine can do the work.';
  static override description =
    'Looks at the resolver and whether its DNSSEC answers can be believed, whether connections to port 25 get out ' +
    '(it connects to exchangers of the control domains and hangs up at once), IPv6, the clock, and HID devices. Of our own services, where there are any: whether the throttle runs and saves ' +
    'its counters, and whether keys and their master key are for nobody else and backed up.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --control example.org --json',
  ];
  static override flags = {
    ...withEnvironment({
      control: Flags.string({
        summary: 'Domain whose exchangers are connected to; several may be given.',
        multiple: true,
        multipleNonGreedy: true,
        default: ['gmail.com', 'outlook.com'],
        helpValue: 'DOMAIN',
      }),
      format: formatFlag(['text', 'json', 'jsonl', ...FINDING_FORMATS, 'prometheus']),
    }),
    service: serviceFlags.service,
    store: deskStoreFlags.store,
    ...dnsFlags,
    port: smtpFlags.port,
    'allow-private': smtpFlags['allow-private'],
    'timeout-dns': smtpFlags['timeout-dns'],
    'timeout-connect': smtpFlags['timeout-connect'],
  };

  override async run(): Promise<DoctorResult> {
    const { flags } = await this.parse(Doctor);
    const services = await lookAtServices(
      flags.service,
      databasesOfThrottle(process.env),
      foldersOfStores(flags.store, process.env),
    );
    const machine = await lookAtMachine(join(this.config.root, 'package.json'), services);
    const { dns, finish } = await openDns(flags, this.signal);
    try {
      const world = {
        dns,
        dial: dialTcp,
        port: flags.port,
        allowPrivate: flags['allow-private'],
        connectMs: flags['timeout-connect'],
        signal: this.signal,
      };
      return this.emit(await examine(machine, flags.offline ? [] : flags.control, world), renderDoctor);
    } finally {
      finish();
    }
  }
}
