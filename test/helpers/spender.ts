// Spends the same OTPs as others do at the same time, in a process of its own, and prints how many were fresh.
import { readMasterKey } from '../../src/keys/master-key.ts';
import { openKeyStore } from '../../src/keys/store.ts';

const [, , database = '', keyFile = '', publicId = '', count = '0'] = process.argv;
const store = await openKeyStore(database, readMasterKey(keyFile));
let fresh = 0;
for (let useCounter = 1; useCounter <= Number(count); useCounter += 1) {
  if (store.spend(publicId, { useCounter, sessionUse: 0, timestamp: 0 }, 0).kind === 'fresh') fresh += 1;
}
store.close();
process.stdout.write(String(fresh));
