import { onPostgres } from '../../helpers/on-store.ts';

await onPostgres(() => import('./verify.test.ts'));
