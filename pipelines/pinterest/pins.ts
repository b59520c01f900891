import { type Category, categories, categoryOf, rows } from './categories.ts'
import { posterOf } from './posters.ts'
import { Dice, mix, placeOf, purpose } from './shuffle.ts'
import { capitalised, flourish, phrase, tag } from './words.ts'

/** A row of `pinterest_data`, columns in stored order. */
export interface Pin {
  index: number
  unique_id: string
  title: string
  description: string
  poster_name: string
  follower_count: string
  tag_list: string
  is_image_or_video: string
  image_src: string
  downloaded: number
  save_location: string
  category: string
}

const titleMax = 199
const storyFormat = 'multi-video(story page format)'
const subjectTitles = new Map(categories.map((category) => [category, category.subjects.map(capitalised)]))

export function pin(row: number): Pin {
  const category = categoryOf(row)
  const dice = new Dice(row, purpose.pin)
  const kind = mediaOf(row)
  const downloaded = placeOf(row, rows, purpose.downloaded) < 245 ? 0 : 1
  const { poster_name, follower_count } = posterOf(row)
  return {
    index: row,
    unique_id: uniqueId(row, dice),
    title: titleOf(row, category),
    description: descriptionOf(row, kind, category),
    poster_name,
    follower_count,
    tag_list: tagsOf(row, category),
    is_image_or_video: kind,
    image_src: downloaded === 1 ? imageSource(dice) : 'Image src error.',
    downloaded,
    save_location: `Local save in /data/${category.name}`,
    category: category.name,
  }
}

function mediaOf(row: number): string {
  const place = placeOf(row, rows, purpose.media)
  return place < 758 ? storyFormat : place < 1_081 ? 'video' : 'image'
}

/** A UUID v4 that no other row has: its first eight digits are the row's, mixed. */
function uniqueId(row: number, dice: Dice): string {
  const first = mix(row + 0x5eed)
    .toString(16)
    .padStart(8, '0')
  const variant = dice.pick(['8', '9', 'a', 'b'])
  return `${first}-${dice.hex(4)}-4${dice.hex(3)}-${variant}${dice.hex(3)}-${dice.hex(8)}${dice.hex(4)}`
}

function imageSource(dice: Dice): string {
  const name = dice.hex(8) + dice.hex(8) + dice.hex(8) + dice.hex(8)
  return `https://images.example/originals/${name.slice(0, 2)}/${name.slice(2, 4)}/${name.slice(4, 6)}/${name}.jpg`
}

/** Mostly a line; one in a hundred as long as the source allows, cut there. */
function titleOf(row: number, category: Category): string {
  const place = placeOf(row, rows, purpose.title)
  if (place < 100) return 'No Title Data Available'
  const dice = new Dice(row, purpose.title)
  const lengthMax = 20 + Math.floor((titleMax + 2 - 20) * dice.chance() ** 3)
  let title = capitalised(phrase(dice, dice.pick(category.subjects)))
  if (place < 1_215) title = `${flourish(dice)} ${title}`
  while (title.length < lengthMax) title += ` | ${capitalised(phrase(dice, dice.pick(category.subjects)))}`
  return lengthMax < titleMax ? uncut(title, lengthMax) : title.slice(0, titleMax)
}

/** The first of its parts that fit; the first always, within the source's limit. */
function uncut(title: string, lengthMax: number): string {
  const end = title.lastIndexOf(' | ', lengthMax)
  return (end === -1 ? title.split(' | ')[0]! : title.slice(0, end)).slice(0, titleMax)
}

function descriptionOf(row: number, kind: string, category: Category): string {
  if (kind === storyFormat) return 'No description available Story format'
  const dice = new Dice(row, purpose.description)
  // Places count the rows of stories too, so each share is a little more of all rows than of the rest.
  const place = placeOf(row, rows, purpose.description)
  if (place < 191) return 'No description available'
  if (place < 199) return 'Untitled'
  const cut = place < 199 + 4_428
  const lengthMax = cut ? dice.between(176, 182) : dice.between(20, 110)
  let text = place % 12 === 0 ? `${flourish(dice)} ` : ''
  do text += `${sentence(phrase(dice, dice.pick(category.subjects)))} `
  while (text.length < lengthMax)
  return cut ? `${text.slice(0, lengthMax).trimEnd()}…\u00a0` : text.trimEnd()
}

function sentence(words: string): string {
  return `${words[0]!.toUpperCase()}${words.slice(1)}.`
}

/** Nine tags, seldom fewer. */
function tagsOf(row: number, category: Category): string {
  const place = placeOf(row, rows, purpose.tags)
  if (place < 167) return 'N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e'
  const dice = new Dice(row, purpose.tags)
  const subjects = subjectTitles.get(category)!
  return Array.from({ length: place < 223 ? dice.between(1, 8) : 9 }, () =>
    tag(dice, dice.pick(subjects)),
  ).join(',')
}
