import { onPostgres } from '../../helpers/on-store.ts';

await onPostgres(() => import('./service.test.ts'));
