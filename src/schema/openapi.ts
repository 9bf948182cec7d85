import { z } from 'zod';
import { throttleApi, throttleFailure } from './throttle.ts';

type Json = Readonly<Record<string, unknown>>;

/** A JSON Schema (2020-12, as OpenAPI 3.1 uses it) of a shape. Fields of an answer may be added later. */
function schemaOf(shape: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...schema } = z.toJSONSchema(shape, {
    io,
    override: ({ jsonSchema }) => {
      if (io === 'output') delete jsonSchema.additionalProperties;
    },
  });
  return schema;
}

function parameters(path: string, query: z.ZodObject | undefined): Json[] {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, shape]) => {
    const { description, ...schema } = schemaOf(shape as z.ZodType, 'output');
    return { name, in: 'query', required: false, ...(description !== undefined && { description }), schema };
  });
  return [...inPath, ...inQuery];
}

/** `GET /v1/sites/:name` as `getSitesByName`. */
function operationId(method: string, path: string): string {
  const words = path.split('/').filter((part) => part !== '' && part !== 'v1');
  const named = words.map((part) => (part.startsWith(':') ? `By-${part.slice(1)}` : part));
  return [method.toLowerCase(), ...named.flatMap((each) => each.split(/[^a-zA-Z]+/))]
    .map((word, index) => (index === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1)))
    .join('');
}

function operation(method: string, path: string): Json {
  const { summary, query, body, answer } = throttleApi[`${method} ${path}`] ?? { summary: '', answer: '' };
  const content =
    typeof answer === 'string'
      ? { [answer]: { schema: { type: 'string' } } }
      : { 'application/json': { schema: schemaOf(answer, 'output') } };
  return {
    operationId: operationId(method, path),
    summary,
    parameters: parameters(path, query),
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } },
    }),
    responses: {
      200: { description: 'Done.', content },
      default: { $ref: '#/components/responses/Failure' },
    },
    ...(path === '/healthz' && { security: [] }),
  };
}

/** The API of the throttle's service as an OpenAPI 3.1 document. */
export function throttleOpenApi(): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of Object.keys(throttleApi)) {
    const [method = '', path = ''] = route.split(' ');
    const template = path.replaceAll(/:(\w+)/g, '{$1}');
    paths[template] = { ...paths[template], [method.toLowerCase()]: operation(method, path) };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'postern throttle',
      version: '1',
      description:
        'How websites are protected against clients that ask for too much. On the Unix socket its mode is the permission; over TCP every call shows a token.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'The socket or address that the service listens on.' }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      responses: {
        Failure: {
          description: 'Nothing was done, and why.',
          content: { 'application/json': { schema: schemaOf(throttleFailure, 'output') } },
        },
      },
    },
  };
}
