/** A product of the sample catalogue. */
export interface SampleProduct {
  readonly name: string;
  readonly amount: string;
  readonly currencyCode: string;
  /** How well it is liked: the most frequent rating. */
  readonly usual: number;
  readonly description?: string;
  /** Counted reviews; between 5 and 20 where it is not given. */
  readonly reviews?: number;
  /** Reviews that are not public, beside the counted ones. */
  readonly hidden?: ReadonlyArray<'PENDING' | 'REJECTED'>;
}

const product = (
  name: string,
  amount: string,
  currencyCode: string,
  usual: number,
  rest: Partial<SampleProduct> = {},
): SampleProduct => ({ name, amount, currencyCode, usual, ...rest });

const LONG_DESCRIPTION = [
  'A knife for a lifetime, forged from one piece of steel.',
  'The blade is 20 cm long and as thin as the steel allows: it goes through a ripe tomato by its own weight, and through a pumpkin with some of yours. The handle is pear wood, oiled and not varnished, so that it stays dry in a wet hand. It wants to be washed by hand, dried at once, and honed every other week.',
  'What is in the box:\n– the knife\n– a leather sheath\n– a leaflet on sharpening, in nine languages (日本語, العربية, Ελληνικά …)',
  'Sharp & ready: <not for children>. "Best before" it needs a stone: about a year.',
].join('\n\n');

/** What a frontend meets and what looks broken where it was not thought of. They are older than the others. */
const CASES: readonly SampleProduct[] = [
  product("Chef's knife, 20 cm, forged", '89.00', 'EUR', 5, {
    description: LONG_DESCRIPTION,
    reviews: 300,
    hidden: ['PENDING', 'REJECTED'],
  }),
  product('Egg timer', '6.50', 'EUR', 4, { reviews: 0 }),
  product('Surprise box', '0.00', 'EUR', 1, {
    description: 'Reviews of it wait, or were not published.',
    reviews: 0,
    hidden: ['PENDING', 'PENDING', 'REJECTED'],
  }),
  product('طقم قهوة عربية من النحاس', '31.500', 'KWD', 5, { description: 'دلّة وستة فناجين.', reviews: 3 }),
  product(
    'Storage system of eighteen stackable, microwave-safe, dishwasher-safe boxes of borosilicate glass with lids of bamboo, in six sizes from 0.2 to 3 litres, with labels (🫙 recycled packaging)',
    '1249.00',
    'USD',
    3,
    { reviews: 1 },
  ),
];

const USUAL: readonly SampleProduct[] = [
  product('Gooseneck kettle', '49.90', 'EUR', 5, { description: 'Pours where you look. 0.9 litres, for every stove.' }),
  product('Burr coffee grinder', '129.00', 'EUR', 4),
  product('Cast-iron skillet', '39.95', 'EUR', 5, { description: 'Seasoned, 26 cm, 2.4 kg.', hidden: ['REJECTED'] }),
  product('Bread knife', '24.50', 'EUR', 4),
  product('Digital kitchen scale', '19.99', 'EUR', 4),
  product('Silicone spatula set', '14.90', 'EUR', 3),
  product('Enamel roasting tin', '34.00', 'EUR', 4),
  product('Salad spinner', '22.95', 'EUR', 2),
  product('Ceramic teapot', '4200', 'JPY', 5, { description: '急須。京都で手作り。' }),
  product('Bento box', '2800', 'JPY', 4),
  product('Bamboo steamer', '3500', 'JPY', 4),
  product('Rice cooker', '18900', 'JPY', 5),
  product('Espresso cups, set of four', '28.00', 'EUR', 4),
  product('Linen apron', '32.00', 'EUR', 4),
  product('Mandoline slicer', '27.90', 'EUR', 2, { description: 'Mind your fingers.', hidden: ['PENDING'] }),
  product('Pepper mill', '44.00', 'EUR', 5),
  product('Instant-read thermometer', '18.750', 'KWD', 4),
  product('Copper saucepan', '42.500', 'KWD', 5, { description: '16 cm, tinned inside.' }),
  product('Date syrup press', '9.250', 'KWD', 3),
  product('Wooden spoon', '4.50', 'USD', 4),
  product('Pizza stone', '36.00', 'USD', 3),
  product('Immersion blender', '59.00', 'USD', 4),
  product('Garlic press', '16.00', 'USD', 2),
  product('Sourdough basket', '21.00', 'USD', 5, { description: 'Rattan, for loaves of up to 1 kg.' }),
  product('Stackable glass jars', '29.00', 'USD', 4),
  product('Herb scissors', '12.00', 'GBP', 3),
  product('Milk frother', '25.00', 'GBP', 4),
  product('Carbon-steel wok', '41.00', 'GBP', 5, {
    description: 'Light enough for one hand.\n\nBurn it in before the first use.',
  }),
  product('Marble mortar', '38.00', 'GBP', 4),
  product('Whistling kettle', '33.00', 'GBP', 1),
];

/** All products, the oldest first. */
export const SAMPLE_PRODUCTS: readonly SampleProduct[] = [...CASES, ...USUAL];

/** How many of them come before those with the usual number of reviews. */
export const SPECIAL_CASES = CASES.length;
