import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { DataSource } from 'typeorm';
import { Product, Review } from './entities.js';

const env = process.env;

export const PORT = Number(env['PORT']);
export const TOPIC = env['KAFKA_TOPIC'] ?? 'reviews';

/** Redis as BullMQ wants it; database 1, so that its keys are not those of the product. */
export function connectRedis(): Redis {
  return new Redis({
    host: env['REDIS_HOST'] ?? '127.0.0.1',
    port: Number(env['REDIS_PORT']),
    db: 1,
    maxRetriesPerRequest: null,
  });
}

export function createKafka(clientId: string): Kafka {
  return new Kafka({ clientId, brokers: [env['KAFKA_BROKER'] ?? '127.0.0.1:9092'], logLevel: logLevel.ERROR });
}

export function createDataSource(): DataSource {
  return new DataSource({
    type: 'postgres',
    host: env['DATABASE_HOST'] ?? '127.0.0.1',
    port: Number(env['DATABASE_PORT']),
    username: env['DATABASE_USER'] ?? '',
    password: env['DATABASE_PASSWORD'] ?? '',
    database: env['DATABASE_DB'] ?? '',
    entities: [Product, Review],
    synchronize: true,
  });
}
