/** The media types that OpenWhisk's HTTP library knows, as data: web actions tell text from bytes by them (OpenWhisk: pekko-http's `MediaTypes`). */

/** Text whose character set may be chosen: it leaves as UTF-8, and says so. */
const OPEN_TEXT: Readonly<Record<string, string>> = {
  application:
    'atom+xml base64 javascript problem+xml rss+xml soap+xml vnd.google-earth.kml+xml x-latex x-vrml xhtml+xml xml xml-dtd',
  text:
    'asp cache-manifest calendar css csv html markdown mcf plain richtext tab-separated-values uri-list vnd.wap.wml vnd.wap.wmlscript ' +
    'x-asm x-c x-component x-h x-java-source x-pascal x-script x-scriptcsh x-scriptelisp x-scriptksh x-scriptlisp x-scriptperl ' +
    'x-scriptperl-module x-scriptphyton x-scriptrexx x-scriptscheme x-scriptsh x-scripttcl x-scripttcsh x-scriptzsh ' +
    'x-server-parsed-html x-setext x-sgml x-speech x-uuencode x-vcalendar x-vcard xml',
}

/** Text that is always UTF-8, and does not say so. */
const FIXED_TEXT: Readonly<Record<string, string>> = {
  application: 'json json-patch+json merge-patch+json problem+json vnd.api+json x-www-form-urlencoded',
  text: 'event-stream',
}

/** Bytes, whatever character set is claimed for them. All of `multipart` is bytes, too. */
const BINARY: Readonly<Record<string, string>> = {
  application:
    'cbor gnutar grpc+proto java-archive lha lzx msword octet-stream pdf postscript vnd.google-earth.kmz vnd.ms-excel ' +
    'vnd.ms-excel.addin.macroenabled.12 vnd.ms-excel.sheet.binary.macroenabled.12 vnd.ms-excel.sheet.macroenabled.12 ' +
    'vnd.ms-excel.template.macroenabled.12 vnd.ms-fontobject vnd.ms-powerpoint vnd.ms-powerpoint.addin.macroenabled.12 ' +
    'vnd.ms-powerpoint.presentation.macroenabled.12 vnd.ms-powerpoint.slideshow.macroenabled.12 ' +
    'vnd.ms-word.document.macroenabled.12 vnd.ms-word.template.macroenabled.12 vnd.oasis.opendocument.chart ' +
    'vnd.oasis.opendocument.database vnd.oasis.opendocument.formula vnd.oasis.opendocument.graphics ' +
    'vnd.oasis.opendocument.image vnd.oasis.opendocument.presentation vnd.oasis.opendocument.spreadsheet ' +
    'vnd.oasis.opendocument.text vnd.oasis.opendocument.text-master vnd.oasis.opendocument.text-web ' +
    'vnd.openxmlformats-officedocument.presentationml.presentation vnd.openxmlformats-officedocument.presentationml.slide ' +
    'vnd.openxmlformats-officedocument.presentationml.slideshow vnd.openxmlformats-officedocument.presentationml.template ' +
    'vnd.openxmlformats-officedocument.spreadsheetml.sheet vnd.openxmlformats-officedocument.spreadsheetml.template ' +
    'vnd.openxmlformats-officedocument.wordprocessingml.document vnd.openxmlformats-officedocument.wordprocessingml.template ' +
    'x-7z-compressed x-ace-compressed x-apple-diskimage x-arc-compressed x-bzip x-bzip2 x-chrome-extension x-compress x-compressed ' +
    'x-debian-package x-dvi x-font-opentype x-font-truetype x-gtar x-gzip x-rar-compressed x-redhat-package-manager ' +
    'x-shockwave-flash x-tar x-tex x-texinfo x-x509-ca-cert x-xpinstall zip',
  audio: 'aiff basic midi mod mpeg ogg voc vorbis voxware wav webm x-pn-realaudio x-psid xm',
  font: 'woff woff2',
  image: 'gif jpeg pict png svg+xml tiff webp x-icon x-ms-bmp x-pcx x-pict x-quicktime x-rgb x-xbitmap x-xpixmap',
  message: 'delivery-status http rfc822',
  video: 'avs-video divx gl mp4 mpeg ogg quicktime webm x-dv x-flv x-motion-jpeg x-ms-asf x-msvideo x-sgi-movie',
}

/** What a registered type is; types that are not in it are unknown to the library. */
export type Registered = 'openText' | 'fixedText' | 'binary'

/** By `type/subtype` in lower case. */
export const REGISTRY: ReadonlyMap<string, Registered> = new Map([
  ...entries(OPEN_TEXT, 'openText'),
  ...entries(FIXED_TEXT, 'fixedText'),
  ...entries(BINARY, 'binary'),
])

function entries(types: Readonly<Record<string, string>>, what: Registered): [string, Registered][] {
  return Object.entries(types).flatMap(([type, subtypes]) =>
    subtypes.split(' ').map((subtype): [string, Registered] => [`${type}/${subtype}`, what]),
  )
}
