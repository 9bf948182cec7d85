import { z } from 'zod';
import {
  browserBackupList,
  browserBackupPush,
  browserBackupRestore,
  browserDiagnose,
  browserDisable,
  browserPasswords,
  browserUndo,
} from './browser.ts';
import { completion } from './completion.ts';
import { configCheck, configShow } from './config.ts';
import { demo } from './demo.ts';
import { dkimKeyMake } from './dkim-key-make.ts';
import { dnsblCheck } from './dnsbl-check.ts';
import { doctor } from './doctor.ts';
import { domainCheck } from './domain-check.ts';
import { explain } from './explain.ts';
import { help } from './help.ts';
import {
  loginAdd,
  loginList,
  loginPasswd,
  loginRemove,
  loginServe,
  loginSessionEnd,
  loginSessionList,
  loginSessionNew,
  loginVerify,
} from './login.ts';
import {
  mediatorAct,
  mediatorAudit,
  mediatorChallenge,
  mediatorDiff,
  mediatorInit,
  mediatorList,
  mediatorOpenSignup,
  mediatorPublish,
  mediatorRevoke,
  mediatorRotate,
  mediatorSign,
  mediatorWatch,
} from './mediator.ts';
import { messageCheck, messageCheckOnly } from './message-check.ts';
import { messagePath } from './message-path.ts';
import { messageView } from './message-view.ts';
import { mxDiff } from './mx-diff.ts';
import { mxPolicy } from './mx-policy.ts';
import { mxProbe } from './mx-probe.ts';
import { mxTlsaCheck, mxTlsaMake } from './mx-tlsa.ts';
import { mxWorker } from './mx-worker.ts';
import { otpDecode, otpGenerate, otpModhex, otpVerify } from './otp.ts';
import { envelope } from './report.ts';
import { reportDmarc, reportTls } from './reports.ts';
import { send } from './send.ts';
import { spfCheck } from './spf-check.ts';
import { srsForward } from './srs-forward.ts';
import { srsReverse } from './srs-reverse.ts';
import {
  throttleBlockSet,
  throttleBlocks,
  throttleCompile,
  throttleDashboard,
  throttleExempt,
  throttleExplain,
  throttlePolicyList,
  throttlePolicySet,
  throttleServe,
  throttleSimulate,
  throttleSiteChange,
  throttleSiteList,
  throttleSiteShow,
  throttleStatus,
  throttleTop,
  throttleUnblock,
} from './throttle.ts';
import { trustList, trustOverride, trustSync } from './trust-lists.ts';
import { trustShow } from './trust-show.ts';
import {
  validationBackup,
  validationClientAct,
  validationClientList,
  validationKeyAct,
  validationKeyList,
  validationServe,
  validationStatus,
} from './validation.ts';
import { validationExport, validationImport, validationMove } from './validation-transfer.ts';
import {
  yubikeyAccessCode,
  yubikeyCalculate,
  yubikeyDelete,
  yubikeyInfo,
  yubikeyInventory,
  yubikeyList,
  yubikeyLost,
  yubikeyNdef,
  yubikeyProgram,
  yubikeySwap,
  yubikeyUpdate,
} from './yubikey.ts';

function document<S extends z.ZodRawShape>(id: string, result: z.ZodObject<S>) {
  return z.strictObject({ ...envelope.shape, ...result.shape, schema: z.literal(id) });
}

const failure = z.strictObject({
  code: z.string().describe('Stable identifier, E_ and upper case.'),
  message: z.string(),
  hint: z.string().optional(),
});

/** What a failed command prints. */
const error = z.strictObject({
  schema: z.literal('postern/error/1'),
  tool: envelope.shape.tool,
  time: envelope.shape.time,
  error: failure,
});

/** The row of a target that could not be asked, among several. */
export const failedRow = z.strictObject({
  ...envelope.shape,
  target: z.string(),
  status: z.literal('unknown'),
  error: failure,
});

/** Every JSON document that the program prints, by its schema id. */
export const documents = {
  'postern/browser-backup-list/1': document('postern/browser-backup-list/1', browserBackupList),
  'postern/browser-backup-push/1': document('postern/browser-backup-push/1', browserBackupPush),
  'postern/browser-backup-restore/1': document('postern/browser-backup-restore/1', browserBackupRestore),
  'postern/browser-diagnose/1': document('postern/browser-diagnose/1', browserDiagnose),
  'postern/browser-disable/1': document('postern/browser-disable/1', browserDisable),
  'postern/browser-passwords/1': document('postern/browser-passwords/1', browserPasswords),
  'postern/browser-undo/1': document('postern/browser-undo/1', browserUndo),
  'postern/completion/1': document('postern/completion/1', completion),
  'postern/config-check/1': document('postern/config-check/1', configCheck),
  'postern/config-show/1': document('postern/config-show/1', configShow),
  'postern/demo/1': document('postern/demo/1', demo),
  'postern/dkim-key-make/1': document('postern/dkim-key-make/1', dkimKeyMake),
  'postern/dnsbl-check/1': document('postern/dnsbl-check/1', dnsblCheck),
  'postern/doctor/1': document('postern/doctor/1', doctor),
  'postern/domain-check/1': document('postern/domain-check/1', domainCheck),
  'postern/error/1': error,
  'postern/explain/1': document('postern/explain/1', explain),
  'postern/help/1': document('postern/help/1', help),
  'postern/login-add/1': document('postern/login-add/1', loginAdd),
  'postern/login-list/1': document('postern/login-list/1', loginList),
  'postern/login-passwd/1': document('postern/login-passwd/1', loginPasswd),
  'postern/login-remove/1': document('postern/login-remove/1', loginRemove),
  'postern/login-serve/1': document('postern/login-serve/1', loginServe),
  'postern/login-session-end/1': document('postern/login-session-end/1', loginSessionEnd),
  'postern/login-session-list/1': document('postern/login-session-list/1', loginSessionList),
  'postern/login-session-new/1': document('postern/login-session-new/1', loginSessionNew),
  'postern/login-verify/1': document('postern/login-verify/1', loginVerify),
  'postern/mediator-add/1': document('postern/mediator-add/1', mediatorAct),
  'postern/mediator-approve/1': document('postern/mediator-approve/1', mediatorAct),
  'postern/mediator-audit/1': document('postern/mediator-audit/1', mediatorAudit),
  'postern/mediator-challenge/1': document('postern/mediator-challenge/1', mediatorChallenge),
  'postern/mediator-diff/1': document('postern/mediator-diff/1', mediatorDiff),
  'postern/mediator-init/1': document('postern/mediator-init/1', mediatorInit),
  'postern/mediator-list/1': document('postern/mediator-list/1', mediatorList),
  'postern/mediator-logo/1': document('postern/mediator-logo/1', mediatorAct),
  'postern/mediator-open-signup/1': document('postern/mediator-open-signup/1', mediatorOpenSignup),
  'postern/mediator-publish/1': document('postern/mediator-publish/1', mediatorPublish),
  'postern/mediator-renew/1': document('postern/mediator-renew/1', mediatorAct),
  'postern/mediator-revoke/1': document('postern/mediator-revoke/1', mediatorRevoke),
  'postern/mediator-rotate/1': document('postern/mediator-rotate/1', mediatorRotate),
  'postern/mediator-sign/1': document('postern/mediator-sign/1', mediatorSign),
  'postern/mediator-suspend/1': document('postern/mediator-suspend/1', mediatorAct),
  'postern/mediator-vet/1': document('postern/mediator-vet/1', mediatorAct),
  'postern/mediator-watch/1': document('postern/mediator-watch/1', mediatorWatch),
  'postern/message-check/1': document('postern/message-check/1', messageCheck),
  'postern/message-check-only/1': document('postern/message-check-only/1', messageCheckOnly),
  'postern/message-path/1': document('postern/message-path/1', messagePath),
  'postern/message-view/1': document('postern/message-view/1', messageView),
  'postern/mx-diff/1': document('postern/mx-diff/1', mxDiff),
  'postern/mx-policy/1': document('postern/mx-policy/1', mxPolicy),
  'postern/mx-probe/1': document('postern/mx-probe/1', mxProbe),
  'postern/mx-tlsa-check/1': document('postern/mx-tlsa-check/1', mxTlsaCheck),
  'postern/mx-tlsa-make/1': document('postern/mx-tlsa-make/1', mxTlsaMake),
  'postern/mx-worker/1': document('postern/mx-worker/1', mxWorker),
  'postern/otp-decode/1': document('postern/otp-decode/1', otpDecode),
  'postern/otp-generate/1': document('postern/otp-generate/1', otpGenerate),
  'postern/otp-modhex/1': document('postern/otp-modhex/1', otpModhex),
  'postern/otp-verify/1': document('postern/otp-verify/1', otpVerify),
  'postern/report-dmarc/1': document('postern/report-dmarc/1', reportDmarc),
  'postern/report-tls/1': document('postern/report-tls/1', reportTls),
  'postern/send/1': document('postern/send/1', send),
  'postern/spf-check/1': document('postern/spf-check/1', spfCheck),
  'postern/srs-forward/1': document('postern/srs-forward/1', srsForward),
  'postern/srs-reverse/1': document('postern/srs-reverse/1', srsReverse),
  'postern/throttle-block/1': document('postern/throttle-block/1', throttleBlockSet),
  'postern/throttle-blocks/1': document('postern/throttle-blocks/1', throttleBlocks),
  'postern/throttle-compile/1': document('postern/throttle-compile/1', throttleCompile),
  'postern/throttle-dashboard/1': document('postern/throttle-dashboard/1', throttleDashboard),
  'postern/throttle-exempt/1': document('postern/throttle-exempt/1', throttleExempt),
  'postern/throttle-explain/1': document('postern/throttle-explain/1', throttleExplain),
  'postern/throttle-policy-list/1': document('postern/throttle-policy-list/1', throttlePolicyList),
  'postern/throttle-policy-set/1': document('postern/throttle-policy-set/1', throttlePolicySet),
  'postern/throttle-serve/1': document('postern/throttle-serve/1', throttleServe),
  'postern/throttle-simulate/1': document('postern/throttle-simulate/1', throttleSimulate),
  'postern/throttle-site-add/1': document('postern/throttle-site-add/1', throttleSiteChange),
  'postern/throttle-site-edit/1': document('postern/throttle-site-edit/1', throttleSiteChange),
  'postern/throttle-site-list/1': document('postern/throttle-site-list/1', throttleSiteList),
  'postern/throttle-site-remove/1': document('postern/throttle-site-remove/1', throttleSiteChange),
  'postern/throttle-site-show/1': document('postern/throttle-site-show/1', throttleSiteShow),
  'postern/throttle-status/1': document('postern/throttle-status/1', throttleStatus),
  'postern/throttle-top/1': document('postern/throttle-top/1', throttleTop),
  'postern/throttle-unblock/1': document('postern/throttle-unblock/1', throttleUnblock),
  'postern/trust-list/1': document('postern/trust-list/1', trustList),
  'postern/trust-override/1': document('postern/trust-override/1', trustOverride),
  'postern/trust-show/1': document('postern/trust-show/1', trustShow),
  'postern/trust-sync/1': document('postern/trust-sync/1', trustSync),
  'postern/validation-backup/1': document('postern/validation-backup/1', validationBackup),
  'postern/validation-client-add/1': document('postern/validation-client-add/1', validationClientAct),
  'postern/validation-client-disable/1': document('postern/validation-client-disable/1', validationClientAct),
  'postern/validation-client-enable/1': document('postern/validation-client-enable/1', validationClientAct),
  'postern/validation-client-list/1': document('postern/validation-client-list/1', validationClientList),
  'postern/validation-client-rotate/1': document('postern/validation-client-rotate/1', validationClientAct),
  'postern/validation-export/1': document('postern/validation-export/1', validationExport),
  'postern/validation-import/1': document('postern/validation-import/1', validationImport),
  'postern/validation-key-disable/1': document('postern/validation-key-disable/1', validationKeyAct),
  'postern/validation-key-enable/1': document('postern/validation-key-enable/1', validationKeyAct),
  'postern/validation-key-list/1': document('postern/validation-key-list/1', validationKeyList),
  'postern/validation-move/1': document('postern/validation-move/1', validationMove),
  'postern/validation-serve/1': document('postern/validation-serve/1', validationServe),
  'postern/validation-status/1': document('postern/validation-status/1', validationStatus),
  'postern/yubikey-access-code-change/1': document('postern/yubikey-access-code-change/1', yubikeyAccessCode),
  'postern/yubikey-access-code-remove/1': document('postern/yubikey-access-code-remove/1', yubikeyAccessCode),
  'postern/yubikey-access-code-set/1': document('postern/yubikey-access-code-set/1', yubikeyAccessCode),
  'postern/yubikey-calculate/1': document('postern/yubikey-calculate/1', yubikeyCalculate),
  'postern/yubikey-delete/1': document('postern/yubikey-delete/1', yubikeyDelete),
  'postern/yubikey-info/1': document('postern/yubikey-info/1', yubikeyInfo),
  'postern/yubikey-inventory/1': document('postern/yubikey-inventory/1', yubikeyInventory),
  'postern/yubikey-list/1': document('postern/yubikey-list/1', yubikeyList),
  'postern/yubikey-lost/1': document('postern/yubikey-lost/1', yubikeyLost),
  'postern/yubikey-ndef/1': document('postern/yubikey-ndef/1', yubikeyNdef),
  'postern/yubikey-program/1': document('postern/yubikey-program/1', yubikeyProgram),
  'postern/yubikey-swap/1': document('postern/yubikey-swap/1', yubikeySwap),
  'postern/yubikey-update/1': document('postern/yubikey-update/1', yubikeyUpdate),
} as const;
