import type { IncomingMessage } from 'node:http';
import { clientNetwork } from './client-address.js';

function networkOf(remoteAddress: string | undefined, forwarded: string | undefined, trustedProxies: number): string {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return clientNetwork({ headers, socket: { remoteAddress } } as unknown as IncomingMessage, trustedProxies);
}

test.each<[string, string, string | undefined, number, string]>([
  ['the connection, where no proxy is trusted', '192.0.2.1', '203.0.113.9', 0, '192.0.2.1'],
  ['an IPv4 address inside an IPv6 one', '::ffff:192.0.2.1', undefined, 0, '192.0.2.1'],
  ['what the proxy adds', '10.0.0.1', '203.0.113.9', 1, '203.0.113.9'],
  ['what the caller writes before it is not looked at', '10.0.0.1', '1.1.1.1, 2.2.2.2, 203.0.113.9', 1, '203.0.113.9'],
  ['two proxies', '10.0.0.1', '1.1.1.1, 203.0.113.9, 10.0.0.2', 2, '203.0.113.9'],
  ['fewer entries than proxies', '10.0.0.1', '203.0.113.9', 3, '203.0.113.9'],
  ['no header', '10.0.0.1', undefined, 1, '10.0.0.1'],
  ['an empty header', '10.0.0.1', '', 1, '10.0.0.1'],
  ['no address', '10.0.0.1', 'unknown', 1, '10.0.0.1'],
  ['a port', '10.0.0.1', '203.0.113.9:4711', 1, '203.0.113.9'],
  ['an IPv6 address with a port', '10.0.0.1', '[2001:db8:1:2:3::4]:4711', 1, '20010db800010002'],
  ['an IPv6 address', '10.0.0.1', '2001:db8:1:2:3:4:5:6', 1, '20010db800010002'],
  ['another of the same /64', '10.0.0.1', '2001:db8:1:2::', 1, '20010db800010002'],
  ['one of the next /64', '10.0.0.1', '2001:db8:1:3::', 1, '20010db800010003'],
  ['an address of a link', 'fe80::1%eth0', undefined, 0, 'fe80000000000000'],
])('%s', (_name, remote, forwarded, trustedProxies, network) => {
  expect(networkOf(remote, forwarded, trustedProxies)).toBe(network);
});

test('a connection that is gone is nobody in particular', () => {
  expect(networkOf(undefined, undefined, 0)).toBe('');
});
