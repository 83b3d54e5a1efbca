/** CORS headers as flat lists of names and values, the form that `writeHead` takes without copying. */

/** On every answer that a REST handler made, errors included; rejections of the routing layer carry none. */
export const REST_CORS: readonly string[] = [
  'Access-Control-Allow-Origin',
  '*',
  'Access-Control-Allow-Headers',
  'Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent',
  'Access-Control-Allow-Methods',
  'GET, DELETE, POST, PUT, HEAD',
]

/** On `OPTIONS` outside of `/api/v1`. */
export const ROOT_CORS: readonly string[] = [...REST_CORS.slice(0, 5), 'OPTIONS, GET, POST']
