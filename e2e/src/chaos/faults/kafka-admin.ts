import type { Admin } from 'kafkajs';
import type { Testbed } from '../../testbed.js';

/** Runs `use` with a connected admin client of Kafka, and disconnects it. */
export async function withAdmin<T>(bed: Testbed, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = bed.kafka.admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}
