import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';
import type { LogLevel } from '../config/service-config.js';

export type Logger = PinoLogger;

/** Structured JSON logs on standard output, one object a line; errors carry their stack, secrets are never logged. */
export function createLogger(service: string, level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { service, pid: process.pid },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: ['authorization', '*.authorization', 'headers.authorization', 'password', '*.password'],
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
