/**
 * Made-up rows in the likeness of the real ones: the same shares of every kind of value and of dirt, no line of
 * them anyone's own. A row depends on its number alone, so a replay sends the same bytes, and only what is drawn is
 * made. Dirt is in place, never extra.
 *
 * | dirt of the source | column | share |
 * |---|---|---|
 * | `No description available Story format`, exactly with multi-video | description | 6.8 % |
 * | `No description available`; `Untitled` | description | 1.6 %; 0.06 % |
 * | `User Info Error`, in both together | poster_name, follower_count | 0.9 % |
 * | `Image src error.`, exactly when not downloaded | image_src | 2.2 % |
 * | `N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e` | tag_list | 1.5 % |
 * | `No Title Data Available` | title | 0.9 % |
 * | k or M behind the number | follower_count | 82 % |
 * | `Local save in ` in front | save_location | all |
 *
 * | dirt of every deployment | tables | share of each |
 * |---|---|---|
 * | a record of another table | all | 0.1 % |
 * | a test message | all | 0.1 % |
 * | wrong nesting: `{"index": {…}}`; a Kafka body in place of its value | all | 0.1 %; 0.1 % |
 * | the key as text | all | 0.2 % |
 * | numbers as text (downloaded; latitude and longitude; age) | all | 0.2 % |
 * | `ind` in place of `index` | pin | 0.2 % |
 * | each of seven more valid forms of a date | geo, user | 0.3 % |
 */
import type { SyntheticSource } from '../../src/pipeline/index.ts'
import { rows } from './categories.ts'
import { dateText } from './dates.ts'
import { faultOf, faulty } from './faults.ts'
import { pin } from './pins.ts'
import { ownerOf, type Profile, profile } from './profiles.ts'
import { draws } from './random.ts'
import { placeOf, purpose } from './shuffle.ts'

const firstPost = Date.UTC(2017, 9, 19, 15, 13, 42) / 1000
const lastPost = Date.UTC(2022, 9, 19, 17, 54, 26) / 1000

/** The three tables, aligned: row n of each belongs to post n. */
export const source: SyntheticSource = {
  rows,
  row(index) {
    if (!Number.isInteger(index) || index < 0 || index >= rows)
      throw new RangeError(`no row ${index} of ${rows}`)
    const owner = profile(ownerOf(index))
    const post = pin(index)
    const place = geo(index, owner)
    const person = user(index, owner)
    return {
      pin: faulty(post, place, faultOf(index, purpose.pinFault)),
      geo: faulty(place, person, faultOf(index, purpose.geoFault)),
      user: faulty(person, post, faultOf(index, purpose.userFault)),
    }
  },
  draws,
  seed: 100,
}

/** A row of `geolocation_data`. Posts are spread evenly over the years; none is older than its user. */
function geo(row: number, { joined, country, latitude, longitude }: Profile) {
  const share = placeOf(row, rows, purpose.posted) / (rows - 1)
  const posted = Math.max(joined, firstPost + Math.round(share * (lastPost - firstPost)))
  return { ind: row, timestamp: dateText(posted, row, purpose.postedForm), latitude, longitude, country }
}

/** A row of `user_data`. */
function user(row: number, { first_name, last_name, age, joined }: Profile) {
  return { ind: row, first_name, last_name, age, date_joined: dateText(joined, row, purpose.joinedForm) }
}
