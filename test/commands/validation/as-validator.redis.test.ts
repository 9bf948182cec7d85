import { onRedis } from '../../helpers/on-store.ts';

await onRedis(() => import('./as-validator.test.ts'));
