import { Kafka, logLevel, type LogEntry } from 'kafkajs';
import type { KafkaConfig } from '../config/server-config.js';
import type { Logger } from '../runtime/logger.js';
import { reduceIdleTimers } from './kafkajs-timers.js';

/**
 * A kafkajs client whose own retries are few and short: the callers retry without end, with their own back-off.
 * Every entry of kafkajs's log goes to ours at level debug, since the callers report what matters.
 */
export function createKafkaClient(config: KafkaConfig, clientId: string, logger: Logger): Kafka {
  process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';
  reduceIdleTimers();
  return new Kafka({
    clientId,
    brokers: [...config.brokers],
    connectionTimeout: 3_000,
    requestTimeout: 5_000,
    enforceRequestTimeout: true,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 2 },
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => logKafkaEntry(logger, entry),
  });
}

function logKafkaEntry(logger: Logger, entry: LogEntry): void {
  const { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...details } = entry.log;
  logger.debug({ kafka: details, namespace: entry.namespace }, message);
}
