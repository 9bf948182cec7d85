import { onRedis } from '../../helpers/on-store.ts';

await onRedis(() => import('./operations.test.ts'));
