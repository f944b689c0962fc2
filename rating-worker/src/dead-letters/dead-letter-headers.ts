/** The headers of a dead letter; the key, the value and the other headers are the original's, byte for byte. */
export const DEAD_LETTER_HEADERS = {
  reason: 'dead-letter-reason',
  topic: 'dead-letter-source-topic',
  partition: 'dead-letter-source-partition',
  offset: 'dead-letter-source-offset',
  timestamp: 'dead-letter-source-timestamp',
  /** Where the topic refuses the value as too large: its size. The original stays at its offset. */
  omittedBytes: 'dead-letter-omitted-bytes',
} as const;
