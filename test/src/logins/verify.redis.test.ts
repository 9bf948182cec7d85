import { onRedis } from '../../helpers/on-store.ts';

await onRedis(() => import('./verify.test.ts'));
