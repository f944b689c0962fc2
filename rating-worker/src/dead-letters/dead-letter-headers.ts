/** The headers of a dead letter; the key, the value and the other headers are the original's, byte for byte. */
export const DEAD_LETTER_HEADERS = {
  reason: 'dead-letter-reason',
  topic: 'dead-letter-source-topic',
  partition: 'dead-letter-source-partition',
  offset: 'dead-letter-source-offset',
  timestamp: 'dead-letter-source-timestamp',
  /** Where the topic refuses the letter as too large: the sizes of what is left out. The original stays at its offset. */
  omittedBytes: 'dead-letter-omitted-bytes',
  omittedHeaderBytes: 'dead-letter-omitted-header-bytes',
  omittedKeyBytes: 'dead-letter-omitted-key-bytes',
} as const;
