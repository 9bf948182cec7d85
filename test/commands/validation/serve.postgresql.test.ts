import { onPostgres } from '../../helpers/on-store.ts';

await onPostgres(() => import('./serve.test.ts'));
