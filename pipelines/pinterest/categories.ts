/** Rows of the source, one post each. */
export const rows = 11_154

export interface Category {
  readonly name: string
  /** Its posts are the rows from here to the next category's first. */
  readonly first: number
  /** What its titles, descriptions and tags speak of. */
  readonly subjects: readonly string[]
}

export const categories: readonly Category[] = [
  {
    name: 'art',
    first: 0,
    subjects: ['watercolor', 'sketchbook', 'canvas painting', 'line drawing', 'pottery', 'collage'],
  },
  {
    name: 'beauty',
    first: 894,
    subjects: ['makeup look', 'skincare routine', 'nail design', 'hairstyle', 'lipstick', 'eyeliner'],
  },
  {
    name: 'christmas',
    first: 1638,
    subjects: ['wreath', 'gift wrapping', 'advent calendar', 'ornament', 'tree topper', 'cookie box'],
  },
  {
    name: 'diy-and-crafts',
    first: 2635,
    subjects: ['paper craft', 'macrame', 'crochet pattern', 'woodwork', 'candle', 'scrapbook'],
  },
  {
    name: 'education',
    first: 3467,
    subjects: ['reading corner', 'worksheet', 'classroom', 'science lesson', 'flash card', 'study plan'],
  },
  {
    name: 'event-planning',
    first: 4330,
    subjects: ['wedding table', 'invitation', 'birthday party', 'seating chart', 'balloon arch', 'checklist'],
  },
  {
    name: 'finance',
    first: 5077,
    subjects: ['budget', 'savings plan', 'side income', 'debt tracker', 'expense sheet', 'pension'],
  },
  {
    name: 'home-decor',
    first: 5865,
    subjects: ['living room', 'bookshelf', 'kitchen corner', 'gallery wall', 'bedroom', 'entryway'],
  },
  {
    name: 'mens-fashion',
    first: 6725,
    subjects: ['outfit', 'linen suit', 'sneaker', 'denim jacket', 'haircut', 'wrist watch'],
  },
  {
    name: 'quotes',
    first: 7580,
    subjects: ['morning quote', 'short saying', 'lyric', 'book line', 'proverb', 'affirmation'],
  },
  {
    name: 'tattoos',
    first: 8484,
    subjects: ['forearm tattoo', 'fine line tattoo', 'floral sleeve', 'lettering', 'blackwork', 'stencil'],
  },
  {
    name: 'travel',
    first: 9460,
    subjects: ['road trip', 'packing list', 'island', 'mountain trail', 'city break', 'train journey'],
  },
  {
    name: 'vehicles',
    first: 10314,
    subjects: ['camper van', 'motorcycle', 'classic car', 'pickup truck', 'bicycle', 'garage'],
  },
]

export function categoryOf(row: number): Category {
  return categories.findLast((category) => category.first <= row)!
}
