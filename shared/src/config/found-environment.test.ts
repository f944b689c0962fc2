import { EnvReader, type ConfigError, type Environment } from './env-reader.js';
import { listeningPort } from './address-variables.js';
import { readDatabaseConfig, readKafkaConfig, readRedisConfig } from './server-config.js';
import { readProduction, SERVICE } from './service-config.js';
import { boolean, configSubject, integer } from './variable.js';

const API = configSubject('API', {
  port: listeningPort('GRAPH_API_PORT', { aliases: ['PRODUCT_SERVICE_PORT'], default: 3000, meaning: 'Port.' }),
  flag: boolean('API_DOCS_ACTIVE', { default: false, meaning: 'Flag.' }),
  count: integer('GRAPHQL_MAX_DEPTH', { default: 12, min: 1, meaning: 'Count.' }),
});

/** What the services read, in one flat object; the problems where there are any. */
function read(environment: Environment) {
  const env = new EnvReader(environment);
  const database = readDatabaseConfig(env, false);
  const redis = readRedisConfig(env);
  const { brokers, topic } = readKafkaConfig(env);
  const production = readProduction(env);
  const result = { database, redis, brokers, topic, production, ...env.read(SERVICE), ...env.read(API) };
  try {
    return env.finish(result);
  } catch (error) {
    return (error as ConfigError).problems;
  }
}

test.each<[string, Environment, object]>([
  [
    'Kubernetes: the link of a Service kafka',
    { KAFKA_BROKER: 'kafka', KAFKA_PORT: 'tcp://10.0.0.1:9093' },
    { brokers: ['kafka:9093'] },
  ],
  ['Kubernetes: the link of a Service redis', { REDIS_PORT: 'tcp://10.0.0.1:6380' }, { redis: { port: 6380 } }],
  [
    'Kubernetes: the link of a Service database',
    { DATABASE_PORT: 'tcp://10.0.0.1:5433' },
    { database: { port: 5433 } },
  ],
  ['Kubernetes: the link of a Service graph-api', { GRAPH_API_PORT: 'tcp://10.0.0.1:80' }, { port: 3000 }],
  [
    'Kubernetes: a link beside a port of ours',
    { GRAPH_API_PORT: 'tcp://10.0.0.1:80', PRODUCT_SERVICE_PORT: '3100' },
    { port: 3100 },
  ],
  [
    'Kubernetes: a Service product beside a port of ours',
    { PRODUCT_PORT: 'tcp://10.0.0.1:80', PRODUCT_SERVICE_PORT: '80', GRAPH_API_PORT: '3100' },
    { port: 3100 },
  ],
  [
    'Kubernetes: a Service product on another port',
    { PRODUCT_PORT: 'tcp://10.0.0.1:80', PRODUCT_SERVICE_PORT: '3100' },
    { port: 3100 },
  ],
  [
    'Kubernetes: variables that are nobody’s',
    { KAFKA_SERVICE_HOST: '10.0.0.1', KAFKA_PORT_9092_TCP_ADDR: 'x' },
    { brokers: ['127.0.0.1:9092'] },
  ],
  [
    'quotes, as docker run --env-file keeps them',
    { REDIS_HOST: '"redis"', DATABASE_PORT: "'5433'" },
    { redis: { host: 'redis' }, database: { port: 5433 } },
  ],
  [
    'the line ends of Windows',
    { REDIS_HOST: 'redis\r', API_DOCS_ACTIVE: 'TRUE\r\n' },
    { redis: { host: 'redis' }, flag: true },
  ],
  ['a byte order mark', { REDIS_HOST: '\uFEFFredis' }, { redis: { host: 'redis' } }],
  ['IPv6', { REDIS_HOST: '::1', DATABASE_HOST: '[::1]' }, { redis: { host: '::1' }, database: { host: '::1' } }],
  ['the folder of a socket', { DATABASE_HOST: '/var/run/postgresql' }, { database: { host: '/var/run/postgresql' } }],
  [
    'names with a dot at the end, underscores, umlauts',
    { REDIS_HOST: 'redis.default.svc.', DATABASE_HOST: 'my_db' },
    { redis: { host: 'redis.default.svc.' }, database: { host: 'my_db' } },
  ],
  ['a list with commas and blanks too many', { KAFKA_BROKERS: ' a:1, b ,,a:1,' }, { brokers: ['a:1', 'b:9092'] }],
  [
    'listeners with their protocol',
    { KAFKA_BROKERS: 'PLAINTEXT://a:1,kafka://b,tcp://c:3' },
    { brokers: ['a:1', 'b:9092', 'c:3'] },
  ],
  [
    'levels and switches in any case',
    { LOG_LEVEL: 'INFO', API_DOCS_ACTIVE: 'Yes', NODE_ENV: 'Production' },
    { logLevel: 'info', flag: true, production: true },
  ],
  [
    'set but empty',
    { REDIS_HOST: '', REDIS_PORT: ' ', KAFKA_BROKER: '""' },
    { redis: { host: '127.0.0.1', port: 6379 }, brokers: ['127.0.0.1:9092'] },
  ],
  ...['development', 'Test', ''].map((mode): [string, Environment, object] => [
    `a machine of one's own: NODE_ENV=${mode}`,
    { NODE_ENV: mode },
    { production: false },
  ]),
  ...['production', 'staging', 'live', 'developement'].map((mode): [string, Environment, object] => [
    `the strict rules: NODE_ENV=${mode}`,
    { NODE_ENV: mode },
    { production: true },
  ]),
  ["a secret's own quotes", { REDIS_PASSWORD: '"x"' }, { redis: { password: '"x"' } }],
  ['every address of this machine', { HOST: '0.0.0.0' }, { host: '0.0.0.0' }],
  ['IPv6 to listen on', { HOST: '::' }, { host: '::' }],
])('understood: %s', (_name, environment, expected) => {
  expect(read(environment)).toMatchObject(expected);
});

test.each<[string, Environment, ...string[]]>([
  ['a scheme', { REDIS_HOST: 'redis://cache:6380/0' }, 'REDIS_HOST', 'write REDIS_HOST=cache and REDIS_PORT=6380'],
  [
    'a scheme with TLS and a password',
    { REDIS_HOST: 'rediss://user:secret-word@cache:6380' },
    'write REDIS_HOST=cache and REDIS_PORT=6380',
  ],
  ['a URL', { DATABASE_HOST: 'postgres://db/ratings' }, 'write DATABASE_HOST=db'],
  ['a port in the host', { DATABASE_HOST: 'db:5433' }, 'write DATABASE_HOST=db and DATABASE_PORT=5433'],
  ['a slash at the end', { REDIS_HOST: 'cache/' }, 'write REDIS_HOST=cache'],
  ['two hosts', { REDIS_HOST: 'a,b' }, 'REDIS_HOST must be a host name'],
  ['a blank inside', { REDIS_HOST: 'my redis' }, 'REDIS_HOST must be a host name'],
  ['an address that can be none', { REDIS_HOST: '10.0.0.256' }, 'REDIS_HOST must be a host name'],
  ['a number for a host', { DATABASE_HOST: '12345' }, 'DATABASE_HOST must be a host name'],
  ['an address as a number', { REDIS_HOST: '0x7f.1' }, 'REDIS_HOST must be a host name'],
  ['two lines for a host', { REDIS_HOST: 'cache\nother' }, 'REDIS_HOST must be a host name'],
  ['two lines for a broker', { KAFKA_BROKERS: 'a\nb' }, 'write KAFKA_BROKERS=a,b'],
  [
    'two lines of text',
    { DATABASE_DB: 'ratings\r\nother' },
    'DATABASE_DB must be one line of text (character 8 is U+000D)',
  ],
  [
    'two lines of a secret',
    { REDIS_PASSWORD: 'secret-word\nanother' },
    'REDIS_PASSWORD must be one line of text (character 12 is U+000A)',
  ],
  ['labels too long', { REDIS_HOST: 'x'.repeat(64) }, 'REDIS_HOST must be a host name'],
  ['an invisible character', { REDIS_HOST: 'red\u0000is' }, 'REDIS_HOST must be a host name'],
  ['port 0 of a server', { REDIS_PORT: '0' }, 'REDIS_PORT must be a port from 1 to 65535, not "0"'],
  ['a port too high', { DATABASE_PORT: '70000' }, 'DATABASE_PORT must be'],
  ['a port with its protocol', { DATABASE_PORT: '5432/tcp' }, 'DATABASE_PORT must be'],
  ['a port of several', { KAFKA_PORT: '9092,9093' }, 'KAFKA_PORT must be'],
  ['only commas', { KAFKA_BROKERS: ' , ,' }, 'KAFKA_BROKERS must be comma-separated brokers'],
  ['blanks for commas', { KAFKA_BROKER: 'a:1 b:2' }, 'write KAFKA_BROKERS=a:1,b:2'],
  ['semicolons for commas', { KAFKA_BROKERS: 'a:1;b:2' }, 'write KAFKA_BROKERS=a:1,b:2'],
  ['a JSON list', { KAFKA_BROKERS: '["a:1","b:2"]' }, 'KAFKA_BROKERS must be comma-separated brokers'],
  ['another scheme', { KAFKA_BROKERS: 'http://a:1' }, 'write KAFKA_BROKERS=a:1'],
  ['a listener with TLS', { KAFKA_BROKERS: 'SASL_SSL://a:1' }, 'SASL_SSL is not supported here'],
  ['a broker without its port', { KAFKA_BROKERS: 'a:' }, 'KAFKA_BROKERS must be'],
  ['a broker with port 0', { KAFKA_BROKERS: 'a:0' }, 'KAFKA_BROKERS must be'],
  ['IPv6 for kafkajs', { KAFKA_BROKERS: '[::1]:9092' }, 'give "::1" a host name'],
  [
    'what a template left',
    { REDIS_HOST: '${REDIS_HOST}', DATABASE_HOST: '{{ host }}' },
    'REDIS_HOST is what a template',
    'DATABASE_HOST is what a template',
  ],
  [
    'what JavaScript makes of nothing',
    { REDIS_HOST: 'undefined', DATABASE_PORT: 'null' },
    'REDIS_HOST is',
    'DATABASE_PORT is',
  ],
  [
    'a secret that was not expanded',
    { REDIS_PASSWORD: '$REDIS_SECRET' },
    'REDIS_PASSWORD is what a template or a shell left behind:',
  ],
  [
    'tcsh: HOST is the name of the machine',
    { HOST: 'my-laptop' },
    'HOST must be an IP address',
    'write HOST=127.0.0.1',
  ],
  ['conda: HOST is a platform', { HOST: 'x86_64-conda-linux-gnu' }, 'HOST must be an IP address'],
  [
    'Kubernetes: the port of a Service product',
    { PRODUCT_PORT: 'tcp://10.0.0.1:80', PRODUCT_SERVICE_PORT: '80' },
    'write GRAPH_API_PORT',
  ],
  ['a misspelt production', { NODE_ENV: 'prod' }, 'write NODE_ENV=production'],
  ['numbers with separators or units', { GRAPHQL_MAX_DEPTH: '1_000' }, 'GRAPHQL_MAX_DEPTH must be a whole number'],
])('refused by name, with what to write: %s', (_name, environment, ...texts) => {
  const problems = read(environment) as readonly string[];
  expect(problems).toHaveLength(texts.length === 2 && !texts[1]!.startsWith('write') ? 2 : 1);
  for (const text of texts) expect(problems.join('\n')).toContain(text);
  expect(problems.join('\n')).not.toMatch(/REDIS_SECRET|secret-word/);
});
