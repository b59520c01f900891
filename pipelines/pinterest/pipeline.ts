import { definePipeline, double, integer, sql, sqlFolder, text, timestamp } from '../../src/pipeline/index.ts'

/** Posts of a social medium as three tables: the pin, where it was posted, and who posted it. `ind` names the post. */
export default definePipeline({
  name: 'pinterest',
  datasets: {
    pin: {
      topics: ['{id}.pin'],
      streams: ['streaming-{id}-pin'],
      key: 'ind',
      schema: {
        ind: integer({ from: ['index', 'ind'], min: 0 }),
        unique_id: text(),
        title: text(),
        description: text(),
        poster_name: text(),
        follower_count: text(),
        tag_list: text(),
        is_image_or_video: text(),
        image_src: text(),
        downloaded: integer(),
        save_location: text(),
        category: text(),
      },
      clean: sql('clean/pin.sql'),
      tables: { stream: '{id}_pin_table', batch: '{id}_pin' },
    },
    geo: {
      topics: ['{id}.geo'],
      streams: ['streaming-{id}-geo'],
      key: 'ind',
      schema: {
        ind: integer({ min: 0 }),
        timestamp: timestamp(),
        latitude: double({ min: -90, max: 90 }),
        longitude: double({ min: -180, max: 180 }),
        country: text(),
      },
      clean: sql('clean/geo.sql'),
      tables: { stream: '{id}_geo_table', batch: '{id}_geo' },
    },
    user: {
      topics: ['{id}.user'],
      streams: ['streaming-{id}-user'],
      key: 'ind',
      schema: {
        ind: integer({ min: 0 }),
        first_name: text(),
        last_name: text(),
        age: integer({ min: 0 }),
        date_joined: timestamp(),
      },
      clean: sql('clean/user.sql'),
      tables: { stream: '{id}_user_table', batch: '{id}_user' },
    },
  },
  questions: sqlFolder('questions'),
  source: async () => (await import('./generator.ts')).source,
})
