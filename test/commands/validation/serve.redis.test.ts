import { onRedis } from '../../helpers/on-store.ts';

await onRedis(() => import('./serve.test.ts'));
