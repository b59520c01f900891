import { faker } from '@faker-js/faker/locale/en'
import type { Dice } from './shuffle.ts'

const person = faker.definitions.person

/** No name twice. */
export const firstNames = [
  ...new Set([...(person.first_name.female ?? []), ...(person.first_name.male ?? [])]),
]
export const lastNames = [...new Set(person.last_name.generic ?? [])]

const adjectives = words(`
  airy autumn bold bright calm cheerful classic cosy crafty creative cute dainty dreamy easy elegant festive fresh
  fun gentle golden handmade happy homemade inspiring lovely low-cost minimal modern natural neat pastel playful
  pretty quick quiet rainy retro rustic simple small smart soft spring stylish summer sunny timeless tiny warm winter`)
const nouns = words(`
  afternoon autumn balcony beginner budget cabin child city collector corner cottage day evening family friend garden
  gift guest holiday home hour journey kitchen lake letter market meadow memory morning neighbour night notebook
  park party picnic river road room season shelf story studio summer teacher traveller village weekend window winter`)
const verbs = words(`
  arrange begin brighten build choose collect combine draw enjoy finish improve keep love make organise paint
  photograph plan practise prepare refresh repair restore share shape simplify sketch start style try update use`)
const emoji = ['✨', '🎨', '🌿', '🏡', '🎄', '💄', '🚗', '📚', '💍', '🧵', '👩🏽‍🎨', '❤️']
const accented = [
  'À la carte:',
  'Décor:',
  'Café –',
  'Señorita:',
  'Vis-à-vis:',
  'Château –',
  '“Notes”',
  'Déjà vu:',
  '日本:',
]

function words(list: string): string[] {
  return list.trim().split(/\s+/)
}

/** Each word with a capital. */
export function capitalised(words: string): string {
  return words.replace(/(?<=^|[ -])[a-z]/g, (letter) => letter.toUpperCase())
}

const titled = {
  adjectives: adjectives.map(capitalised),
  nouns: nouns.map(capitalised),
  endings: ['Ideas', 'Inspiration', 'Tips', 'Tutorial', 'Aesthetic', 'For Beginners', 'On A Budget', 'DIY'],
}

/** A few words on a subject, such as `simple gallery wall for the sunny studio`. */
export function phrase(dice: Dice, subject: string): string {
  switch (dice.between(0, 4)) {
    case 0:
      return `${dice.between(5, 60)} ${dice.pick(adjectives)} ${subject} ideas`
    case 1:
      return `how to ${dice.pick(verbs)} your ${subject} for a ${dice.pick(adjectives)} ${dice.pick(nouns)}`
    case 2:
      return `${dice.pick(adjectives)} ${subject} for the ${dice.pick(adjectives)} ${dice.pick(nouns)}`
    case 3:
      return `the ${dice.pick(adjectives)} ${subject}: ${dice.pick(nouns)} and ${dice.pick(nouns)}`
    default:
      return `${subject} and ${dice.pick(nouns)} inspiration`
  }
}

/** @param subject with capitals */
export function tag(dice: Dice, subject: string): string {
  return dice.chance() < 0.5
    ? `${dice.pick(titled.adjectives)} ${subject}`
    : `${subject} ${dice.pick(titled.endings)}`
}

export function posterName(dice: Dice): string {
  const kind = dice.chance()
  if (kind < 0.5) return `${dice.pick(firstNames)} ${dice.pick(lastNames)}`
  if (kind < 0.7) return `${dice.pick(lastNames)} & ${dice.pick(lastNames)}`
  const brand = `${dice.pick(titled.adjectives)} ${dice.pick(titled.nouns)}`
  return kind < 0.9 ? `${brand} by ${dice.pick(firstNames)}` : `${brand} | ${dice.pick(lastNames)} Studio`
}

/** Something with letters beyond ASCII, half of the time emoji. */
export function flourish(dice: Dice): string {
  return dice.pick(dice.chance() < 0.5 ? emoji : accented)
}
