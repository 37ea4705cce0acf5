const startedDirectly = require.main === module;
/******/ (() => { // webpackBootstrap
/******/ 	"use strict";
/******/ 	var __webpack_modules__ = ({

/***/ 181:
/***/ ((module) => {

module.exports = require("buffer");

/***/ }),

/***/ 982:
/***/ ((module) => {

module.exports = require("crypto");

/***/ }),

/***/ 250:
/***/ ((module) => {

module.exports = require("dns");

/***/ }),

/***/ 434:
/***/ ((module) => {

module.exports = require("events");

/***/ }),

/***/ 896:
/***/ ((module) => {

module.exports = require("fs");

/***/ }),

/***/ 611:
/***/ ((module) => {

module.exports = require("http");

/***/ }),

/***/ 692:
/***/ ((module) => {

module.exports = require("https");

/***/ }),

/***/ 278:
/***/ ((module) => {

module.exports = require("net");

/***/ }),

/***/ 421:
/***/ ((module) => {

module.exports = require("node:child_process");

/***/ }),

/***/ 598:
/***/ ((module) => {

module.exports = require("node:crypto");

/***/ }),

/***/ 24:
/***/ ((module) => {

module.exports = require("node:fs");

/***/ }),

/***/ 455:
/***/ ((module) => {

module.exports = require("node:fs/promises");

/***/ }),

/***/ 67:
/***/ ((module) => {

module.exports = require("node:http");

/***/ }),

/***/ 708:
/***/ ((module) => {

module.exports = require("node:https");

/***/ }),

/***/ 30:
/***/ ((module) => {

module.exports = require("node:net");

/***/ }),

/***/ 760:
/***/ ((module) => {

module.exports = require("node:path");

/***/ }),

/***/ 75:
/***/ ((module) => {

module.exports = require("node:stream");

/***/ }),

/***/ 311:
/***/ ((module) => {

module.exports = require("node:tls");

/***/ }),

/***/ 975:
/***/ ((module) => {

module.exports = require("node:util");

/***/ }),

/***/ 522:
/***/ ((module) => {

module.exports = require("node:zlib");

/***/ }),

/***/ 857:
/***/ ((module) => {

module.exports = require("os");

/***/ }),

/***/ 203:
/***/ ((module) => {

module.exports = require("stream");

/***/ }),

/***/ 756:
/***/ ((module) => {

module.exports = require("tls");

/***/ }),

/***/ 18:
/***/ ((module) => {

module.exports = require("tty");

/***/ }),

/***/ 16:
/***/ ((module) => {

module.exports = require("url");

/***/ }),

/***/ 23:
/***/ ((module) => {

module.exports = require("util");

/***/ }),

/***/ 126:
/***/ ((module, __unused_webpack_exports, __nccwpck_require__) => {


var __create = Object.create;
var __defProp = Object.defineProperty;
var __getOwnPropDesc = Object.getOwnPropertyDescriptor;
var __getOwnPropNames = Object.getOwnPropertyNames;
var __getProtoOf = Object.getPrototypeOf;
var __hasOwnProp = Object.prototype.hasOwnProperty;
var __name = (target, value) => __defProp(target, "name", { value, configurable: true });
var __esm = (fn, res, err) => function __init() {
  if (err) throw err[0];
  try {
    return fn && (res = (0, fn[__getOwnPropNames(fn)[0]])(fn = 0)), res;
  } catch (e) {
    throw err = [e], e;
  }
};
var __commonJS = (cb, mod2) => function __require() {
  try {
    return mod2 || (0, cb[__getOwnPropNames(cb)[0]])((mod2 = { exports: {} }).exports, mod2), mod2.exports;
  } catch (e) {
    throw mod2 = 0, e;
  }
};
var __export = (target, all) => {
  for (var name in all)
    __defProp(target, name, { get: all[name], enumerable: true });
};
var __copyProps = (to, from, except, desc) => {
  if (from && typeof from === "object" || typeof from === "function") {
    for (let key of __getOwnPropNames(from))
      if (!__hasOwnProp.call(to, key) && key !== except)
        __defProp(to, key, { get: () => from[key], enumerable: !(desc = __getOwnPropDesc(from, key)) || desc.enumerable });
  }
  return to;
};
var __toESM = (mod2, isNodeMode, target) => (target = mod2 != null ? __create(__getProtoOf(mod2)) : {}, __copyProps(
  // If the importer is in node compatibility mode or this is not an ESM
  // file that has been converted to a CommonJS file using a Babel-
  // compatible transform (i.e. "__esModule" has not been set), then set
  // "default" to the CommonJS "module.exports" for node compatibility.
  isNodeMode || !mod2 || !mod2.__esModule ? __defProp(target, "default", { value: mod2, enumerable: true }) : target,
  mod2
));
var __toCommonJS = (mod2) => __copyProps(__defProp({}, "__esModule", { value: true }), mod2);

// node_modules/js-yaml/dist/js-yaml.mjs
var js_yaml_exports = {};
__export(js_yaml_exports, {
  CHOMPING_CLIP: () => CHOMPING_CLIP,
  CHOMPING_KEEP: () => CHOMPING_KEEP,
  CHOMPING_MODE: () => CHOMPING_MODE,
  CHOMPING_STRIP: () => CHOMPING_STRIP,
  COLLECTION_STYLE: () => COLLECTION_STYLE,
  COLLECTION_STYLE_BLOCK: () => COLLECTION_STYLE_BLOCK,
  COLLECTION_STYLE_FLOW: () => COLLECTION_STYLE_FLOW,
  CORE_SCHEMA: () => CORE_SCHEMA,
  DEFAULT_SCALAR_STYLE_RULES: () => DEFAULT_SCALAR_STYLE_RULES,
  DUMP_SCHEMA: () => DUMP_SCHEMA,
  EVENT_ALIAS: () => EVENT_ALIAS,
  EVENT_DOCUMENT: () => EVENT_DOCUMENT,
  EVENT_ID: () => EVENT_ID,
  EVENT_MAPPING: () => EVENT_MAPPING,
  EVENT_POP: () => EVENT_POP,
  EVENT_SCALAR: () => EVENT_SCALAR,
  EVENT_SEQUENCE: () => EVENT_SEQUENCE,
  FAILSAFE_SCHEMA: () => FAILSAFE_SCHEMA,
  JSON_SCHEMA: () => JSON_SCHEMA,
  NOT_RESOLVED: () => NOT_RESOLVED,
  SCALAR_STYLE: () => SCALAR_STYLE,
  SCALAR_STYLE_DOUBLE_QUOTED: () => SCALAR_STYLE_DOUBLE_QUOTED,
  SCALAR_STYLE_FOLDED_BLOCK: () => SCALAR_STYLE_FOLDED_BLOCK,
  SCALAR_STYLE_LITERAL_BLOCK: () => SCALAR_STYLE_LITERAL_BLOCK,
  SCALAR_STYLE_PLAIN: () => SCALAR_STYLE_PLAIN,
  SCALAR_STYLE_SINGLE_QUOTED: () => SCALAR_STYLE_SINGLE_QUOTED,
  Schema: () => Schema,
  VISIT_BREAK: () => VISIT_BREAK,
  VISIT_SKIP: () => VISIT_SKIP,
  YAML11_SCHEMA: () => YAML11_SCHEMA,
  YAMLException: () => YAMLException,
  binaryTag: () => binaryTag,
  boolCoreTag: () => boolCoreTag,
  boolJsonTag: () => boolJsonTag,
  boolYaml11Tag: () => boolYaml11Tag,
  constructFromEvents: () => constructFromEvents,
  defineMappingTag: () => defineMappingTag,
  defineScalarTag: () => defineScalarTag,
  defineSequenceTag: () => defineSequenceTag,
  dump: () => dump,
  eventsToAst: () => eventsToAst,
  floatCoreTag: () => floatCoreTag,
  floatJsonTag: () => floatJsonTag,
  floatYaml11Tag: () => floatYaml11Tag,
  getScalarValue: () => getScalarValue,
  intCoreTag: () => intCoreTag,
  intJsonTag: () => intJsonTag,
  intYaml11Tag: () => intYaml11Tag,
  jsToAst: () => jsToAst,
  legacyMapTag: () => legacyMapTag,
  load: () => load,
  loadAll: () => loadAll,
  mapTag: () => mapTag,
  mergeTag: () => mergeTag,
  nullCoreTag: () => nullCoreTag,
  nullJsonTag: () => nullJsonTag,
  nullYaml11Tag: () => nullYaml11Tag,
  omapTag: () => omapTag,
  pairsTag: () => pairsTag,
  parseEvents: () => parseEvents,
  present: () => present,
  realMapTag: () => realMapTag,
  seqTag: () => seqTag,
  setTag: () => setTag,
  strTag: () => strTag,
  timestampTag: () => timestampTag,
  visit: () => visit
});
function defineScalarTag(tagName, options) {
  return {
    tagName,
    nodeKind: "scalar",
    implicit: options.implicit ?? false,
    matchByTagPrefix: options.matchByTagPrefix ?? false,
    implicitFirstChars: options.implicitFirstChars ?? null,
    resolve: options.resolve,
    identify: options.identify,
    represent: options.represent ?? ((data) => String(data)),
    representTagName: options.representTagName ?? (() => tagName)
  };
}
function defineSequenceTag(tagName, options) {
  const carrierIsResult = options.finalize === void 0;
  return {
    tagName,
    nodeKind: "sequence",
    implicit: false,
    matchByTagPrefix: options.matchByTagPrefix ?? false,
    create: options.create,
    addItem: options.addItem,
    finalize: options.finalize ?? ((carrier) => carrier),
    carrierIsResult,
    identify: options.identify,
    represent: options.represent ?? ((data) => data),
    representTagName: options.representTagName ?? (() => tagName)
  };
}
function defineMappingTag(tagName, options) {
  const carrierIsResult = options.finalize === void 0;
  return {
    tagName,
    nodeKind: "mapping",
    implicit: false,
    matchByTagPrefix: options.matchByTagPrefix ?? false,
    create: options.create,
    addPair: options.addPair,
    has: options.has,
    keys: options.keys,
    get: options.get,
    finalize: options.finalize ?? ((carrier) => carrier),
    carrierIsResult,
    identify: options.identify,
    represent: options.represent ?? ((data) => data),
    representTagName: options.representTagName ?? (() => tagName)
  };
}
function parseYamlInteger$2(source) {
  let value = source;
  let sign = 1;
  if (value[0] === "-" || value[0] === "+") {
    if (value[0] === "-") sign = -1;
    value = value.slice(1);
  }
  if (value.startsWith("0b")) return sign * parseInt(value.slice(2), 2);
  if (value.startsWith("0o")) return sign * parseInt(value.slice(2), 8);
  if (value.startsWith("0x")) return sign * parseInt(value.slice(2), 16);
  return sign * parseInt(value, 10);
}
function resolveYamlInteger$2(source, isExplicit) {
  if (isExplicit) {
    if (!YAML_INTEGER_EXPLICIT_PATTERN$1.test(source)) return NOT_RESOLVED;
  } else if (!YAML_INTEGER_IMPLICIT_PATTERN$1.test(source)) return NOT_RESOLVED;
  const result = parseYamlInteger$2(source);
  return Number.isFinite(result) ? result : NOT_RESOLVED;
}
function parseYamlInteger$1(source) {
  let value = source;
  let sign = 1;
  if (value[0] === "-" || value[0] === "+") {
    if (value[0] === "-") sign = -1;
    value = value.slice(1);
  }
  if (value.startsWith("0b")) return sign * parseInt(value.slice(2), 2);
  if (value.startsWith("0o")) return sign * parseInt(value.slice(2), 8);
  if (value.startsWith("0x")) return sign * parseInt(value.slice(2), 16);
  return sign * parseInt(value, 10);
}
function resolveYamlInteger$1(source, isExplicit) {
  if (isExplicit) {
    if (!YAML_INTEGER_EXPLICIT_PATTERN.test(source)) return NOT_RESOLVED;
  } else if (!YAML_INTEGER_IMPLICIT_PATTERN.test(source)) return NOT_RESOLVED;
  const result = parseYamlInteger$1(source);
  return Number.isFinite(result) ? result : NOT_RESOLVED;
}
function parseYamlInteger(source) {
  let value = source.replace(/_/g, "");
  let sign = 1;
  if (value[0] === "-" || value[0] === "+") {
    if (value[0] === "-") sign = -1;
    value = value.slice(1);
  }
  if (value.startsWith("0b")) return sign * parseInt(value.slice(2), 2);
  if (value.startsWith("0x")) return sign * parseInt(value.slice(2), 16);
  if (value.includes(":")) {
    let result = 0;
    for (const part of value.split(":")) result = result * 60 + Number(part);
    return sign * result;
  }
  if (value !== "0" && value[0] === "0") return sign * parseInt(value, 8);
  return sign * parseInt(value, 10);
}
function resolveYamlInteger(source) {
  if (!YAML_INTEGER_PATTERN.test(source)) return NOT_RESOLVED;
  const result = parseYamlInteger(source);
  return Number.isFinite(result) ? result : NOT_RESOLVED;
}
function resolveYamlFloat$2(source) {
  if (!YAML_FLOAT_PATTERN$1.test(source)) return NOT_RESOLVED;
  let value = source.toLowerCase();
  const sign = value[0] === "-" ? -1 : 1;
  if ("+-".includes(value[0])) value = value.slice(1);
  if (value === ".inf") return sign === 1 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  if (value === ".nan") return NaN;
  const result = sign * parseFloat(value);
  if (Number.isFinite(result) || YAML_FLOAT_SPECIAL_PATTERN$1.test(source)) return result;
  return NOT_RESOLVED;
}
function representYamlFloat$2(object) {
  if (isNaN(object)) return ".nan";
  if (object === Number.POSITIVE_INFINITY) return ".inf";
  if (object === Number.NEGATIVE_INFINITY) return "-.inf";
  if (Object.is(object, -0)) return "-0.0";
  const result = object.toString(10);
  return /^[-+]?[0-9]+e/.test(result) ? result.replace("e", ".e") : result;
}
function resolveYamlFloat$1(source, isExplicit) {
  if (isExplicit) {
    if (!YAML_FLOAT_EXPLICIT_PATTERN.test(source)) return NOT_RESOLVED;
    let value = source.toLowerCase();
    const sign = value[0] === "-" ? -1 : 1;
    if ("+-".includes(value[0])) value = value.slice(1);
    if (value === ".inf") return sign === 1 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    if (value === ".nan") return NaN;
    const result2 = sign * parseFloat(value);
    return Number.isFinite(result2) ? result2 : NOT_RESOLVED;
  }
  if (!YAML_FLOAT_IMPLICIT_PATTERN.test(source)) return NOT_RESOLVED;
  const result = Number(source);
  if (Number.isFinite(result)) return result;
  return NOT_RESOLVED;
}
function representYamlFloat$1(object) {
  if (isNaN(object)) return ".nan";
  if (object === Number.POSITIVE_INFINITY) return ".inf";
  if (object === Number.NEGATIVE_INFINITY) return "-.inf";
  if (Object.is(object, -0)) return "-0.0";
  const result = object.toString(10);
  return /^[-+]?[0-9]+e/.test(result) ? result.replace("e", ".e") : result;
}
function resolveYamlFloat(source) {
  if (!YAML_FLOAT_PATTERN.test(source)) return NOT_RESOLVED;
  let value = source.toLowerCase().replace(/_/g, "");
  const sign = value[0] === "-" ? -1 : 1;
  if ("+-".includes(value[0])) value = value.slice(1);
  if (value === ".inf") return sign === 1 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  if (value === ".nan") return NaN;
  let result = 0;
  if (value.includes(":")) {
    for (const part of value.split(":")) result = result * 60 + Number(part);
    result *= sign;
  } else result = sign * parseFloat(value);
  if (Number.isFinite(result) || YAML_FLOAT_SPECIAL_PATTERN.test(source)) return result;
  return NOT_RESOLVED;
}
function representYamlFloat(object) {
  if (isNaN(object)) return ".nan";
  if (object === Number.POSITIVE_INFINITY) return ".inf";
  if (object === Number.NEGATIVE_INFINITY) return "-.inf";
  if (Object.is(object, -0)) return "-0.0";
  const result = object.toString(10);
  return /^[-+]?[0-9]+e/.test(result) ? result.replace("e", ".e") : result;
}
function resolveYamlBinary(source) {
  const input = source.replace(/\s/g, "");
  if (input.length % 4 !== 0 || !BASE64_PATTERN.test(input)) return NOT_RESOLVED;
  const binary = atob(input);
  const result = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) result[index] = binary.charCodeAt(index);
  return result;
}
function representYamlBinary(object) {
  let binary = "";
  for (let index = 0; index < object.length; index++) binary += String.fromCharCode(object[index]);
  return btoa(binary);
}
function makeUtcDate(year, month, day, hour = 0, minute = 0, second = 0, fraction = 0) {
  const date = new Date(Date.UTC(year, month, day, hour, minute, second, fraction));
  date.setUTCFullYear(year, month, day);
  return date;
}
function resolveYamlTimestamp(source) {
  let match = YAML_DATE_REGEXP.exec(source);
  if (match === null) match = YAML_TIMESTAMP_REGEXP.exec(source);
  if (match === null) return NOT_RESOLVED;
  const year = +match[1];
  const month = +match[2] - 1;
  const day = +match[3];
  if (!match[4]) {
    const date2 = makeUtcDate(year, month, day);
    if (date2.getUTCFullYear() !== year || date2.getUTCMonth() !== month || date2.getUTCDate() !== day) return NOT_RESOLVED;
    return date2;
  }
  const hour = +match[4];
  const minute = +match[5];
  const second = +match[6];
  let fraction = 0;
  if (hour > 23 || minute > 59 || second > 59) return NOT_RESOLVED;
  if (match[7]) {
    let value = match[7].slice(0, 3);
    while (value.length < 3) value += "0";
    fraction = +value;
  }
  const date = makeUtcDate(year, month, day, hour, minute, second, fraction);
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month || date.getUTCDate() !== day) return NOT_RESOLVED;
  if (match[9]) {
    const offsetHour = +match[10];
    const offsetMinute = +(match[11] || 0);
    if (offsetHour > 23 || offsetMinute > 59) return NOT_RESOLVED;
    const offset = (offsetHour * 60 + offsetMinute) * 6e4;
    date.setTime(date.getTime() - (match[9] === "-" ? -offset : offset));
  }
  return date;
}
function isPlainObject(data) {
  if (data === null || typeof data !== "object" || Array.isArray(data)) return false;
  const prototype = Object.getPrototypeOf(data);
  return prototype === null || prototype === Object.prototype;
}
function pick(object, keys) {
  const result = {};
  for (const key of keys) if (object[key] !== void 0) result[key] = object[key];
  return result;
}
function createTagDefinitionMap() {
  return {
    scalar: /* @__PURE__ */ Object.create(null),
    sequence: /* @__PURE__ */ Object.create(null),
    mapping: /* @__PURE__ */ Object.create(null)
  };
}
function createTagDefinitionListMap() {
  return {
    scalar: [],
    sequence: [],
    mapping: []
  };
}
function compileTags(tags) {
  const result = [];
  for (const tag of tags) {
    let index = result.length;
    for (let previousIndex = 0; previousIndex < result.length; previousIndex++) {
      const previous = result[previousIndex];
      if (previous.nodeKind === tag.nodeKind && previous.tagName === tag.tagName && previous.matchByTagPrefix === tag.matchByTagPrefix) {
        index = previousIndex;
        break;
      }
    }
    result[index] = tag;
  }
  return result;
}
function normalizeKey(key) {
  if (Array.isArray(key)) {
    const array = Array.prototype.slice.call(key);
    for (let index = 0; index < array.length; index++) {
      if (Array.isArray(array[index])) return null;
      if (typeof array[index] === "object" && Object.prototype.toString.call(array[index]) === "[object Object]") array[index] = "[object Object]";
    }
    return String(array);
  }
  if (typeof key === "object" && Object.prototype.toString.call(key) === "[object Object]") return "[object Object]";
  return String(key);
}
function getLine(buffer, lineStart, lineEnd, position, maxLineLength) {
  let head2 = "";
  let tail = "";
  const maxHalfLength = Math.floor(maxLineLength / 2) - 1;
  if (position - lineStart > maxHalfLength) {
    head2 = " ... ";
    lineStart = position - maxHalfLength + head2.length;
  }
  if (lineEnd - position > maxHalfLength) {
    tail = " ...";
    lineEnd = position + maxHalfLength - tail.length;
  }
  return {
    str: head2 + buffer.slice(lineStart, lineEnd).replace(/\t/g, "→") + tail,
    pos: position - lineStart + head2.length
  };
}
function padStart(string, max) {
  return " ".repeat(Math.max(max - string.length, 0)) + string;
}
function makeSnippet(mark, options) {
  if (!mark.buffer) return null;
  const opts = {
    ...DEFAULT_SNIPPET_OPTIONS,
    ...options
  };
  const re = /\r?\n|\r|\0/g;
  const lineStarts = [0];
  const lineEnds = [];
  let match;
  let foundLineNo = -1;
  while (match = re.exec(mark.buffer)) {
    lineEnds.push(match.index);
    lineStarts.push(match.index + match[0].length);
    if (mark.position <= match.index && foundLineNo < 0) foundLineNo = lineStarts.length - 2;
  }
  if (foundLineNo < 0) foundLineNo = lineStarts.length - 1;
  let result = "";
  const lineNoLength = Math.min(mark.line + opts.linesAfter, lineEnds.length).toString().length;
  const maxLineLength = opts.maxLength - (opts.indent + lineNoLength + 3);
  for (let i = 1; i <= opts.linesBefore; i++) {
    if (foundLineNo - i < 0) break;
    const line2 = getLine(mark.buffer, lineStarts[foundLineNo - i], lineEnds[foundLineNo - i], mark.position - (lineStarts[foundLineNo] - lineStarts[foundLineNo - i]), maxLineLength);
    result = `${" ".repeat(opts.indent)}${padStart((mark.line - i + 1).toString(), lineNoLength)} | ${line2.str}
${result}`;
  }
  const line = getLine(mark.buffer, lineStarts[foundLineNo], lineEnds[foundLineNo], mark.position, maxLineLength);
  result += `${" ".repeat(opts.indent)}${padStart((mark.line + 1).toString(), lineNoLength)} | ${line.str}
`;
  result += `${"-".repeat(opts.indent + lineNoLength + 3 + line.pos)}^
`;
  for (let i = 1; i <= opts.linesAfter; i++) {
    if (foundLineNo + i >= lineEnds.length) break;
    const line2 = getLine(mark.buffer, lineStarts[foundLineNo + i], lineEnds[foundLineNo + i], mark.position - (lineStarts[foundLineNo] - lineStarts[foundLineNo + i]), maxLineLength);
    result += `${" ".repeat(opts.indent)}${padStart((mark.line + i + 1).toString(), lineNoLength)} | ${line2.str}
`;
  }
  return result.replace(/\n$/, "");
}
function formatError(exception, compact) {
  let where2 = "";
  if (!exception.mark) return exception.reason;
  if (exception.mark.name) where2 += `in "${exception.mark.name}" `;
  where2 += `(${exception.mark.line + 1}:${exception.mark.column + 1})`;
  if (!compact && exception.mark.snippet) where2 += `

${exception.mark.snippet}`;
  return `${exception.reason} ${where2}`;
}
function simpleEscapeSequence(c) {
  switch (c) {
    case 48:
      return "\0";
    case 97:
      return "\x07";
    case 98:
      return "\b";
    case 116:
      return "	";
    case 9:
      return "	";
    case 110:
      return "\n";
    case 118:
      return "\v";
    case 102:
      return "\f";
    case 114:
      return "\r";
    case 101:
      return "\x1B";
    case 32:
      return " ";
    case 34:
      return '"';
    case 47:
      return "/";
    case 92:
      return "\\";
    case 78:
      return "";
    case 95:
      return " ";
    case 76:
      return "\u2028";
    case 80:
      return "\u2029";
    default:
      return "";
  }
}
function charFromCodepoint(c) {
  if (c <= 65535) return String.fromCharCode(c);
  return String.fromCharCode((c - 65536 >> 10) + 55296, (c - 65536 & 1023) + 56320);
}
function fromHexCode$1(c) {
  if (c >= 48 && c <= 57) return c - 48;
  return (c | 32) - 97 + 10;
}
function escapedHexLen$1(c) {
  if (c === 120) return 2;
  if (c === 117) return 4;
  return 8;
}
function skipFoldedBreaks(input, position, end2) {
  let breaks = 0;
  while (position < end2) {
    const ch = input.charCodeAt(position);
    if (ch === 10) {
      breaks++;
      position++;
    } else if (ch === 13) {
      breaks++;
      position++;
      if (input.charCodeAt(position) === 10) position++;
    } else if (ch === 32 || ch === 9) position++;
    else break;
  }
  return {
    position,
    breaks
  };
}
function foldedBreaks(count) {
  if (count === 1) return " ";
  return "\n".repeat(count - 1);
}
function getPlainValue(input, start3, end2) {
  let result = "";
  let position = start3;
  let captureStart = start3;
  let captureEnd = start3;
  while (position < end2) {
    const ch = input.charCodeAt(position);
    if (ch === 10 || ch === 13) {
      result += input.slice(captureStart, captureEnd);
      const fold = skipFoldedBreaks(input, position, end2);
      result += foldedBreaks(fold.breaks);
      position = captureStart = captureEnd = fold.position;
    } else {
      position++;
      if (ch !== 32 && ch !== 9) captureEnd = position;
    }
  }
  return result + input.slice(captureStart, captureEnd);
}
function getSingleQuotedValue(input, start3, end2) {
  let result = "";
  let position = start3;
  let captureStart = start3;
  let captureEnd = start3;
  while (position < end2) {
    const ch = input.charCodeAt(position);
    if (ch === 39) {
      result += input.slice(captureStart, position) + "'";
      position += 2;
      captureStart = captureEnd = position;
    } else if (ch === 10 || ch === 13) {
      result += input.slice(captureStart, captureEnd);
      const fold = skipFoldedBreaks(input, position, end2);
      result += foldedBreaks(fold.breaks);
      position = captureStart = captureEnd = fold.position;
    } else {
      position++;
      if (ch !== 32 && ch !== 9) captureEnd = position;
    }
  }
  return result + input.slice(captureStart, end2);
}
function getDoubleQuotedValue(input, start3, end2) {
  let result = "";
  let position = start3;
  let captureStart = start3;
  let captureEnd = start3;
  while (position < end2) {
    const ch = input.charCodeAt(position);
    if (ch === 92) {
      result += input.slice(captureStart, position);
      position++;
      const escaped3 = input.charCodeAt(position);
      if (escaped3 === 10 || escaped3 === 13) position = skipFoldedBreaks(input, position, end2).position;
      else if (escaped3 < 256 && simpleEscapeCheck[escaped3]) {
        result += simpleEscapeMap[escaped3];
        position++;
      } else {
        let hexLength = escapedHexLen$1(escaped3);
        let hexResult = 0;
        for (; hexLength > 0; hexLength--) {
          position++;
          const digit = fromHexCode$1(input.charCodeAt(position));
          hexResult = (hexResult << 4) + digit;
        }
        result += charFromCodepoint(hexResult);
        position++;
      }
      captureStart = captureEnd = position;
    } else if (ch === 10 || ch === 13) {
      result += input.slice(captureStart, captureEnd);
      const fold = skipFoldedBreaks(input, position, end2);
      result += foldedBreaks(fold.breaks);
      position = captureStart = captureEnd = fold.position;
    } else {
      position++;
      if (ch !== 32 && ch !== 9) captureEnd = position;
    }
  }
  return result + input.slice(captureStart, end2);
}
function getBlockValue(input, start3, end2, indent, chomping, folded) {
  const textIndent = indent < 0 ? 0 : indent;
  const region = input.slice(start3, end2).replace(/\r\n?/g, "\n");
  const lines = region === "" ? [] : (region.endsWith("\n") ? region.slice(0, -1) : region).split("\n");
  let result = "";
  let didReadContent = false;
  let emptyLines = 0;
  let atMoreIndented = false;
  for (const line of lines) {
    let column = 0;
    while (column < textIndent && line.charCodeAt(column) === 32) column++;
    if (indent < 0 || column >= line.length) {
      emptyLines++;
      continue;
    }
    const content = line.slice(textIndent);
    const first = content.charCodeAt(0);
    if (folded) {
      if (first === 32 || first === 9) {
        atMoreIndented = true;
        result += "\n".repeat(didReadContent ? 1 + emptyLines : emptyLines);
      } else if (atMoreIndented) {
        atMoreIndented = false;
        result += "\n".repeat(emptyLines + 1);
      } else if (emptyLines === 0) {
        if (didReadContent) result += " ";
      } else result += "\n".repeat(emptyLines);
    } else result += "\n".repeat(didReadContent ? 1 + emptyLines : emptyLines);
    result += content;
    didReadContent = true;
    emptyLines = 0;
  }
  if (chomping === CHOMPING_MODE.KEEP) result += "\n".repeat(didReadContent ? 1 + emptyLines : emptyLines);
  else if (chomping !== CHOMPING_MODE.STRIP) {
    if (didReadContent) result += "\n";
  }
  return result;
}
function getScalarValue(input, scalar) {
  if (scalar.valueStart === NO_RANGE$3) return "";
  const { valueStart, valueEnd } = scalar;
  if (scalar.fast) return input.slice(valueStart, valueEnd);
  switch (scalar.style) {
    case SCALAR_STYLE.SINGLE_QUOTED:
      return getSingleQuotedValue(input, valueStart, valueEnd);
    case SCALAR_STYLE.DOUBLE_QUOTED:
      return getDoubleQuotedValue(input, valueStart, valueEnd);
    case SCALAR_STYLE.LITERAL_BLOCK:
      return getBlockValue(input, valueStart, valueEnd, scalar.indent, scalar.chomping, false);
    case SCALAR_STYLE.FOLDED_BLOCK:
      return getBlockValue(input, valueStart, valueEnd, scalar.indent, scalar.chomping, true);
    default:
      return getPlainValue(input, valueStart, valueEnd);
  }
}
function percentByte(byte) {
  return "%" + HEX[byte >> 4] + HEX[byte & 15];
}
function tagPercentEncode(source, isSuffix) {
  const allowed = isSuffix ? TAG_SUFFIX_CHARS : TAG_URI_CHARS;
  let result = "";
  for (let index = 0; index < source.length; index++) {
    let ch = source.charCodeAt(index);
    if (ch >= 48 && ch <= 57 || ch >= 65 && ch <= 90 || ch >= 97 && ch <= 122 || allowed.includes(source[index])) {
      result += source[index];
      continue;
    }
    if (ch >= 55296 && ch <= 56319) ch = 65536 + ((ch & 1023) << 10) + (source.charCodeAt(++index) & 1023);
    if (ch < 128) result += percentByte(ch);
    else if (ch < 2048) result += percentByte(192 | ch >> 6) + percentByte(128 | ch & 63);
    else if (ch < 65536) result += percentByte(224 | ch >> 12) + percentByte(128 | ch >> 6 & 63) + percentByte(128 | ch & 63);
    else result += percentByte(240 | ch >> 18) + percentByte(128 | ch >> 12 & 63) + percentByte(128 | ch >> 6 & 63) + percentByte(128 | ch & 63);
  }
  return result;
}
function tagPercentDecode(source) {
  let result = "";
  let index = 0;
  while (index < source.length) {
    if (source.charCodeAt(index) !== 37) {
      result += source[index++];
      continue;
    }
    let ch = parseInt(source.slice(index + 1, index + 3), 16);
    index += 3;
    if (ch >= 192) {
      let remaining = ch < 224 ? 1 : ch < 240 ? 2 : 3;
      ch &= (1 << 6 - remaining) - 1;
      while (remaining-- > 0) {
        ch = ch << 6 | parseInt(source.slice(index + 1, index + 3), 16) & 63;
        index += 3;
      }
    }
    if (ch < 65536) result += String.fromCharCode(ch);
    else {
      ch -= 65536;
      result += String.fromCharCode(55296 | ch >> 10, 56320 | ch & 1023);
    }
  }
  return result;
}
function tagNameFull(rawTag2, tagHandlers) {
  if (rawTag2.startsWith("!<") && rawTag2.endsWith(">")) return tagPercentDecode(rawTag2.slice(2, -1));
  const handleEnd = rawTag2.indexOf("!", 1);
  const handle = handleEnd === -1 ? "!" : rawTag2.slice(0, handleEnd + 1);
  return tagPercentDecode(tagHandlers?.[handle] ?? DEFAULT_TAG_HANDLERS[handle] ?? handle) + tagPercentDecode(rawTag2.slice(handle.length));
}
function tagNameShort(fullTag) {
  let tag = fullTag;
  if (tag.charCodeAt(0) === 33) {
    tag = tag.slice(1);
    return `!${tagPercentEncode(tag, true)}`;
  }
  if (tag.slice(0, 18) === "tag:yaml.org,2002:") return `!!${tagPercentEncode(tag.slice(18), true)}`;
  return `!<${tagPercentEncode(tag, false)}>`;
}
function eventPosition$1(event) {
  if ("tagStart" in event && event.tagStart !== NO_RANGE$2) return event.tagStart;
  if ("anchorStart" in event && event.anchorStart !== NO_RANGE$2) return event.anchorStart;
  if ("valueStart" in event && event.valueStart !== NO_RANGE$2) return event.valueStart;
  if ("start" in event) return event.start;
  return 0;
}
function throwError$1(state, message) {
  YAMLException.throwAt(state.source, state.position, message, state.filename);
}
function finalizeCollection(state, position, tag, carrier) {
  try {
    return tag.finalize(carrier);
  } catch (error2) {
    if (error2 instanceof YAMLException) throw error2;
    YAMLException.throwAt(state.source, position, error2 instanceof Error ? error2.message : String(error2), state.filename);
  }
}
function constructScalar(state, event) {
  const source = getScalarValue(state.source, event);
  const rawTag2 = event.tagStart === NO_RANGE$2 ? "" : state.source.slice(event.tagStart, event.tagEnd);
  const strTag2 = state.schema.defaultScalarTag;
  if (rawTag2 !== "") {
    if (rawTag2 === "!") return {
      value: source,
      tag: strTag2
    };
    const tagName = tagNameFull(rawTag2, state.tagHandlers);
    const scalarTag = state.schema.lookupScalarTag(tagName);
    if (scalarTag) {
      const result = scalarTag.resolve(source, true, tagName);
      if (result === NOT_RESOLVED) throwError$1(state, `cannot resolve a node with !<${tagName}> explicit tag`);
      return {
        value: result,
        tag: scalarTag
      };
    }
    const collectionTagDef = state.schema.lookupMappingTag(tagName) ?? state.schema.lookupSequenceTag(tagName);
    if (collectionTagDef) {
      if (source !== "") throwError$1(state, `cannot resolve a node with !<${tagName}> explicit tag`);
      const carrier = collectionTagDef.create(tagName);
      return {
        value: collectionTagDef.carrierIsResult ? carrier : finalizeCollection(state, state.position, collectionTagDef, carrier),
        tag: collectionTagDef
      };
    }
    throwError$1(state, `unknown scalar tag !<${tagName}>`);
  }
  if (event.style === SCALAR_STYLE.PLAIN) return state.schema.resolveImplicitScalarTag(source);
  return {
    value: strTag2.resolve(source, false, strTag2.tagName),
    tag: strTag2
  };
}
function collectionTagName(state, event, defaultTagName) {
  const rawTag2 = event.tagStart === NO_RANGE$2 ? "" : state.source.slice(event.tagStart, event.tagEnd);
  return rawTag2 === "" || rawTag2 === "!" ? defaultTagName : tagNameFull(rawTag2, state.tagHandlers);
}
function isMappingTag(tag) {
  return tag.nodeKind === "mapping";
}
function chargeMergeWork(state) {
  state.totalMergeKeys++;
  if (state.maxTotalMergeKeys !== -1 && state.totalMergeKeys > state.maxTotalMergeKeys) throwError$1(state, `merge keys exceeded maxTotalMergeKeys (${state.maxTotalMergeKeys})`);
}
function mergeKeys(state, frame, source, sourceTag) {
  chargeMergeWork(state);
  for (const sourceKey of sourceTag.keys(source)) {
    chargeMergeWork(state);
    if (frame.tag.has(frame.value, sourceKey)) continue;
    const err = frame.tag.addPair(frame.value, sourceKey, sourceTag.get(source, sourceKey));
    if (err) throwError$1(state, err);
    frame.overridable ??= /* @__PURE__ */ new Set();
    frame.overridable.add(sourceKey);
  }
}
function mergeSource(state, frame, source, sourceTag) {
  state.position = frame.keyPosition;
  if (isMappingTag(sourceTag)) mergeKeys(state, frame, source, sourceTag);
  else if (sourceTag.nodeKind === "sequence" && Array.isArray(source)) {
    if (source.length > 100) throwError$1(state, "abnormal merge sequence size");
    for (const element of source) {
      const elementTag = state.nodeTags.get(element);
      if (!elementTag) throwError$1(state, "cannot merge mappings; the provided source object is unacceptable");
      mergeKeys(state, frame, element, elementTag);
    }
  } else throwError$1(state, "cannot merge mappings; the provided source object is unacceptable");
}
function addMappingValue(state, frame, key, value, tag) {
  state.position = frame.keyPosition;
  if (frame.keyIsMerge) {
    mergeSource(state, frame, value, tag);
    return;
  }
  if (!state.json && frame.tag.has(frame.value, key) && !frame.overridable?.has(key)) throwError$1(state, "duplicated mapping key");
  const err = frame.tag.addPair(frame.value, key, value);
  if (err) throwError$1(state, err);
  frame.overridable?.delete(key);
}
function addValue(state, value, tag) {
  const frame = state.frames[state.frames.length - 1];
  if (frame.kind === "document") {
    frame.value = value;
    frame.hasValue = true;
  } else if (frame.kind === "sequence") {
    if (isMappingTag(tag)) state.nodeTags.set(value, tag);
    const err = frame.tag.addItem(frame.value, value, frame.index++);
    if (err) throwError$1(state, err);
  } else if (frame.hasKey) {
    const key = frame.key;
    frame.key = void 0;
    frame.hasKey = false;
    addMappingValue(state, frame, key, value, tag);
  } else {
    frame.key = value;
    frame.keyPosition = state.position;
    frame.hasKey = true;
    frame.keyIsMerge = tag.tagName === MERGE_TAG_NAME;
  }
}
function storeAnchor(state, event, value, tag, isValueFinal) {
  if (event.anchorStart !== NO_RANGE$2) {
    const anchor = {
      value,
      tag,
      isValueFinal
    };
    state.anchors.set(state.source.slice(event.anchorStart, event.anchorEnd), anchor);
    return anchor;
  }
  return null;
}
function constructFromEvents(events, options) {
  const state = {
    ...DEFAULT_CONSTRUCTOR_OPTIONS,
    ...options,
    events,
    documents: [],
    eventIndex: 0,
    position: 0,
    frames: [],
    anchors: /* @__PURE__ */ new Map(),
    nodeTags: /* @__PURE__ */ new Map(),
    tagHandlers: /* @__PURE__ */ Object.create(null),
    totalMergeKeys: 0,
    aliasCount: 0
  };
  while (state.eventIndex < state.events.length) {
    const event = state.events[state.eventIndex++];
    state.position = eventPosition$1(event);
    switch (event.type) {
      case EVENT_ID.DOCUMENT:
        state.anchors = /* @__PURE__ */ new Map();
        state.nodeTags = /* @__PURE__ */ new Map();
        state.aliasCount = 0;
        state.tagHandlers = /* @__PURE__ */ Object.create(null);
        for (const directive of event.directives) if (directive.kind === "tag") state.tagHandlers[directive.handle] = directive.prefix;
        state.frames.push({
          kind: "document",
          position: state.position,
          value: void 0,
          hasValue: false
        });
        break;
      case EVENT_ID.SCALAR: {
        const { value, tag } = constructScalar(state, event);
        storeAnchor(state, event, value, tag, true);
        addValue(state, value, tag);
        break;
      }
      case EVENT_ID.SEQUENCE: {
        const tagName = collectionTagName(state, event, "tag:yaml.org,2002:seq");
        const tag = state.schema.lookupSequenceTag(tagName);
        if (!tag) throwError$1(state, `unknown sequence tag !<${tagName}>`);
        const value = tag.create(tagName);
        const anchor = storeAnchor(state, event, value, tag, tag.carrierIsResult);
        state.frames.push({
          kind: "sequence",
          position: state.position,
          value,
          tag,
          anchor,
          index: 0
        });
        break;
      }
      case EVENT_ID.MAPPING: {
        const tagName = collectionTagName(state, event, "tag:yaml.org,2002:map");
        const tag = state.schema.lookupMappingTag(tagName);
        if (!tag) throwError$1(state, `unknown mapping tag !<${tagName}>`);
        const value = tag.create(tagName);
        const anchor = storeAnchor(state, event, value, tag, tag.carrierIsResult);
        state.frames.push({
          kind: "mapping",
          position: state.position,
          value,
          tag,
          anchor,
          key: void 0,
          keyPosition: state.position,
          hasKey: false,
          keyIsMerge: false,
          overridable: null
        });
        break;
      }
      case EVENT_ID.ALIAS: {
        if (state.maxAliases !== -1 && ++state.aliasCount > state.maxAliases) throwError$1(state, `aliases exceeded maxAliases (${state.maxAliases})`);
        const name = state.source.slice(event.anchorStart, event.anchorEnd);
        const anchor = state.anchors.get(name);
        if (!anchor) throwError$1(state, `unidentified alias "${name}"`);
        if (!anchor.isValueFinal) throwError$1(state, `recursive alias "${name}" is not supported for tag ${anchor.tag.tagName} because it uses finalize()`);
        addValue(state, anchor.value, anchor.tag);
        break;
      }
      case EVENT_ID.POP: {
        const frame = state.frames.pop();
        if (frame.kind === "mapping" && frame.hasKey) {
          state.position = frame.keyPosition;
          throwError$1(state, "incomplete mapping pair in event stream");
        }
        if (frame.kind === "document") state.documents.push(frame.value);
        else {
          const value = frame.tag.carrierIsResult ? frame.value : finalizeCollection(state, frame.position, frame.tag, frame.value);
          if (frame.anchor) {
            frame.anchor.value = value;
            frame.anchor.isValueFinal = true;
          }
          addValue(state, value, frame.tag);
        }
        break;
      }
    }
  }
  return state.documents;
}
function addDocumentEvent(state, explicitStart, explicitEnd) {
  state.events.push({
    type: EVENT_ID.DOCUMENT,
    explicitStart,
    explicitEnd,
    directives: state.directives
  });
}
function addSequenceEvent(state, start3, anchorStart, anchorEnd, tagStart, tagEnd, style) {
  state.events.push({
    type: EVENT_ID.SEQUENCE,
    start: start3,
    anchorStart,
    anchorEnd,
    tagStart,
    tagEnd,
    style
  });
}
function addMappingEvent(state, start3, anchorStart, anchorEnd, tagStart, tagEnd, style) {
  state.events.push({
    type: EVENT_ID.MAPPING,
    start: start3,
    anchorStart,
    anchorEnd,
    tagStart,
    tagEnd,
    style
  });
}
function insertFlowPairMappingEvent(state, snapshot) {
  state.events.splice(snapshot.eventsLength, 0, {
    type: EVENT_ID.MAPPING,
    start: snapshot.position,
    anchorStart: NO_RANGE$1,
    anchorEnd: NO_RANGE$1,
    tagStart: NO_RANGE$1,
    tagEnd: NO_RANGE$1,
    style: COLLECTION_STYLE.FLOW
  });
}
function addScalarEvent(state, valueStart, valueEnd, anchorStart, anchorEnd, tagStart, tagEnd, style, chomping = CHOMPING_MODE.CLIP, indent = -1, fast = false) {
  state.events.push({
    type: EVENT_ID.SCALAR,
    valueStart,
    valueEnd,
    anchorStart,
    anchorEnd,
    tagStart,
    tagEnd,
    style,
    chomping,
    indent,
    fast
  });
}
function addAliasEvent(state, anchorStart, anchorEnd) {
  state.events.push({
    type: EVENT_ID.ALIAS,
    anchorStart,
    anchorEnd
  });
}
function addPopEvent(state) {
  state.events.push({ type: EVENT_ID.POP });
}
function addEmptyScalarEvent(state) {
  addScalarEvent(state, NO_RANGE$1, NO_RANGE$1, NO_RANGE$1, NO_RANGE$1, NO_RANGE$1, NO_RANGE$1, SCALAR_STYLE.PLAIN);
}
function emptyProperties() {
  return {
    anchorStart: NO_RANGE$1,
    anchorEnd: NO_RANGE$1,
    tagStart: NO_RANGE$1,
    tagEnd: NO_RANGE$1
  };
}
function snapshotState(state) {
  return {
    position: state.position,
    line: state.line,
    lineStart: state.lineStart,
    lineIndent: state.lineIndent,
    firstTabInLine: state.firstTabInLine,
    eventsLength: state.events.length
  };
}
function restoreState(state, snapshot) {
  state.position = snapshot.position;
  state.line = snapshot.line;
  state.lineStart = snapshot.lineStart;
  state.lineIndent = snapshot.lineIndent;
  state.firstTabInLine = snapshot.firstTabInLine;
  state.events.length = snapshot.eventsLength;
}
function throwError(state, message) {
  YAMLException.throwAt(state.input.slice(0, state.length), state.position, message, state.filename);
}
function isEol(c) {
  return c === 10 || c === 13;
}
function isWhiteSpace(c) {
  return c === 9 || c === 32;
}
function isWsOrEol(c) {
  return isWhiteSpace(c) || isEol(c);
}
function isWsOrEolOrEnd(c) {
  return c === 0 || isWsOrEol(c);
}
function isFlowIndicator(c) {
  return c === 44 || c === 91 || c === 93 || c === 123 || c === 125;
}
function fromDecimalCode(c) {
  return c >= 48 && c <= 57 ? c - 48 : -1;
}
function fromHexCode(c) {
  if (c >= 48 && c <= 57) return c - 48;
  const lc = c | 32;
  if (lc >= 97 && lc <= 102) return lc - 97 + 10;
  return -1;
}
function escapedHexLen(c) {
  if (c === 120) return 2;
  if (c === 117) return 4;
  if (c === 85) return 8;
  return 0;
}
function isSimpleEscape(c) {
  return c === 48 || c === 97 || c === 98 || c === 116 || c === 9 || c === 110 || c === 118 || c === 102 || c === 114 || c === 101 || c === 32 || c === 34 || c === 47 || c === 92 || c === 78 || c === 95 || c === 76 || c === 80;
}
function consumeLineBreak(state) {
  if (state.input.charCodeAt(state.position) === 10) state.position++;
  else {
    state.position++;
    if (state.input.charCodeAt(state.position) === 10) state.position++;
  }
  state.line++;
  state.lineStart = state.position;
  state.lineIndent = 0;
  state.firstTabInLine = -1;
}
function skipSeparationSpace(state, allowComments) {
  let lineBreaks = 0;
  let ch = state.input.charCodeAt(state.position);
  let hasSeparation = state.position === state.lineStart || isWsOrEol(state.input.charCodeAt(state.position - 1));
  while (ch !== 0) {
    while (isWhiteSpace(ch)) {
      hasSeparation = true;
      if (ch === 9 && state.firstTabInLine === -1) state.firstTabInLine = state.position;
      ch = state.input.charCodeAt(++state.position);
    }
    if (allowComments && hasSeparation && ch === 35) do
      ch = state.input.charCodeAt(++state.position);
    while (!isEol(ch) && ch !== 0);
    if (!isEol(ch)) break;
    consumeLineBreak(state);
    lineBreaks++;
    hasSeparation = true;
    ch = state.input.charCodeAt(state.position);
    while (ch === 32) {
      state.lineIndent++;
      ch = state.input.charCodeAt(++state.position);
    }
  }
  return lineBreaks;
}
function testDocumentSeparator(state, position = state.position) {
  const ch = state.input.charCodeAt(position);
  if ((ch === 45 || ch === 46) && ch === state.input.charCodeAt(position + 1) && ch === state.input.charCodeAt(position + 2)) {
    const following = state.input.charCodeAt(position + 3);
    return following === 0 || isWsOrEol(following);
  }
  return false;
}
function skipByteOrderMark(state) {
  if (state.position === state.lineStart && state.input.charCodeAt(state.position) === 65279) {
    state.position++;
    state.lineStart = state.position;
  }
}
function testDocumentBoundary(state) {
  if (state.position !== state.lineStart) return false;
  if (testDocumentSeparator(state)) return true;
  if (state.input.charCodeAt(state.position) !== 65279) return false;
  const snapshot = snapshotState(state);
  skipByteOrderMark(state);
  skipSeparationSpace(state, true);
  const ch = state.input.charCodeAt(state.position);
  const result = state.position === state.lineStart && (ch === 37 || ch === 45 && testDocumentSeparator(state));
  restoreState(state, snapshot);
  return result;
}
function skipUntilLineEnd(state) {
  let ch = state.input.charCodeAt(state.position);
  while (ch !== 0 && !isEol(ch)) ch = state.input.charCodeAt(++state.position);
}
function checkPrintable(state, start3, end2) {
  const match = PATTERN_NON_PRINTABLE.exec(state.input.slice(start3, end2));
  if (match !== null) {
    state.position = start3 + match.index + match[0].length - 1;
    throwError(state, "the stream contains non-printable characters");
  }
}
function readTagProperty(state, props, inFlow) {
  if (state.input.charCodeAt(state.position) !== 33) return false;
  if (props.tagStart !== NO_RANGE$1) throwError(state, "duplication of a tag property");
  const start3 = state.position;
  let isVerbatim = false;
  let isNamed = false;
  let tagHandle = "!";
  let ch = state.input.charCodeAt(++state.position);
  if (ch === 60) {
    isVerbatim = true;
    ch = state.input.charCodeAt(++state.position);
  } else if (ch === 33) {
    isNamed = true;
    tagHandle = "!!";
    ch = state.input.charCodeAt(++state.position);
  }
  let suffixStart = state.position;
  let tagName;
  if (isVerbatim) {
    while (ch !== 0 && ch !== 62) ch = state.input.charCodeAt(++state.position);
    if (ch !== 62) throwError(state, "unexpected end of the stream within a verbatim tag");
    tagName = state.input.slice(suffixStart, state.position);
    state.position++;
  } else {
    while (ch !== 0 && !isWsOrEol(ch) && !(inFlow && isFlowIndicator(ch))) {
      if (ch === 33) {
        if (!isNamed) {
          tagHandle = state.input.slice(suffixStart - 1, state.position + 1);
          if (!PATTERN_TAG_HANDLE.test(tagHandle)) throwError(state, "named tag handle cannot contain such characters");
          isNamed = true;
          suffixStart = state.position + 1;
        } else throwError(state, "tag suffix cannot contain exclamation marks");
      }
      ch = state.input.charCodeAt(++state.position);
    }
    tagName = state.input.slice(suffixStart, state.position);
    if (PATTERN_FLOW_INDICATORS.test(tagName)) throwError(state, "tag suffix cannot contain flow indicator characters");
  }
  if (tagName && !(isVerbatim ? PATTERN_TAG_URI.test(tagName) : PATTERN_TAG_SUFFIX.test(tagName))) throwError(state, `tag name cannot contain such characters: ${tagName}`);
  if (!isVerbatim && tagHandle !== "!" && tagHandle !== "!!" && !HAS_OWN.call(state.tagHandlers, tagHandle)) throwError(state, `undeclared tag handle "${tagHandle}"`);
  props.tagStart = start3;
  props.tagEnd = state.position;
  return true;
}
function readAnchorProperty(state, props) {
  if (state.input.charCodeAt(state.position) !== 38) return false;
  if (props.anchorStart !== NO_RANGE$1) throwError(state, "duplication of an anchor property");
  state.position++;
  const start3 = state.position;
  while (state.input.charCodeAt(state.position) !== 0 && !isWsOrEol(state.input.charCodeAt(state.position)) && !isFlowIndicator(state.input.charCodeAt(state.position))) state.position++;
  if (state.position === start3) throwError(state, "name of an anchor node must contain at least one character");
  props.anchorStart = start3;
  props.anchorEnd = state.position;
  return true;
}
function readAlias(state, props) {
  if (state.input.charCodeAt(state.position) !== 42) return false;
  if (props.anchorStart !== NO_RANGE$1 || props.tagStart !== NO_RANGE$1) throwError(state, "alias node should not have any properties");
  state.position++;
  const start3 = state.position;
  while (state.input.charCodeAt(state.position) !== 0 && !isWsOrEol(state.input.charCodeAt(state.position)) && !isFlowIndicator(state.input.charCodeAt(state.position))) state.position++;
  if (state.position === start3) throwError(state, "name of an alias node must contain at least one character");
  addAliasEvent(state, start3, state.position);
  return true;
}
function readFlowScalarBreak(state, nodeIndent) {
  skipSeparationSpace(state, false);
  if (state.lineIndent < nodeIndent) throwError(state, "deficient indentation");
}
function readSingleQuotedScalar(state, nodeIndent, props) {
  if (state.input.charCodeAt(state.position) !== 39) return false;
  state.position++;
  const start3 = state.position;
  let simple = true;
  while (state.input.charCodeAt(state.position) !== 0) {
    const ch = state.input.charCodeAt(state.position);
    if (ch === 39) {
      if (state.input.charCodeAt(state.position + 1) === 39) {
        simple = false;
        state.position += 2;
        continue;
      }
      const end2 = state.position;
      state.position++;
      addScalarEvent(state, start3, end2, props.anchorStart, props.anchorEnd, props.tagStart, props.tagEnd, SCALAR_STYLE.SINGLE_QUOTED, CHOMPING_MODE.CLIP, -1, simple);
      return true;
    }
    if (isEol(ch)) {
      simple = false;
      readFlowScalarBreak(state, nodeIndent);
    } else if (state.position === state.lineStart && testDocumentSeparator(state)) throwError(state, "unexpected end of the document within a single quoted scalar");
    else if (ch !== 9 && ch < 32) throwError(state, "expected valid JSON character");
    else state.position++;
  }
  throwError(state, "unexpected end of the stream within a single quoted scalar");
}
function readDoubleQuotedScalar(state, nodeIndent, props) {
  if (state.input.charCodeAt(state.position) !== 34) return false;
  state.position++;
  const start3 = state.position;
  let simple = true;
  while (state.input.charCodeAt(state.position) !== 0) {
    const ch = state.input.charCodeAt(state.position);
    if (ch === 34) {
      const end2 = state.position;
      state.position++;
      addScalarEvent(state, start3, end2, props.anchorStart, props.anchorEnd, props.tagStart, props.tagEnd, SCALAR_STYLE.DOUBLE_QUOTED, CHOMPING_MODE.CLIP, -1, simple);
      return true;
    }
    if (ch === 92) {
      simple = false;
      const escaped3 = state.input.charCodeAt(++state.position);
      if (isEol(escaped3)) readFlowScalarBreak(state, nodeIndent);
      else if (isSimpleEscape(escaped3)) state.position++;
      else {
        let hexLength = escapedHexLen(escaped3);
        if (hexLength === 0) throwError(state, "unknown escape sequence");
        while (hexLength-- > 0) {
          state.position++;
          if (fromHexCode(state.input.charCodeAt(state.position)) < 0) throwError(state, "expected hexadecimal character");
        }
        state.position++;
      }
    } else if (isEol(ch)) {
      simple = false;
      readFlowScalarBreak(state, nodeIndent);
    } else if (state.position === state.lineStart && testDocumentSeparator(state)) throwError(state, "unexpected end of the document within a double quoted scalar");
    else if (ch !== 9 && ch < 32) throwError(state, "expected valid JSON character");
    else state.position++;
  }
  throwError(state, "unexpected end of the stream within a double quoted scalar");
}
function readBlockScalar(state, parentIndent, props) {
  const ch = state.input.charCodeAt(state.position);
  let chomping = CHOMPING_MODE.CLIP;
  let indent = -1;
  let detectedIndent = false;
  if (ch !== 124 && ch !== 62) return false;
  const style = ch === 124 ? SCALAR_STYLE.LITERAL_BLOCK : SCALAR_STYLE.FOLDED_BLOCK;
  state.position++;
  while (state.input.charCodeAt(state.position) !== 0) {
    const current = state.input.charCodeAt(state.position);
    const digit = fromDecimalCode(current);
    if (current === 43 || current === 45) {
      if (chomping !== CHOMPING_MODE.CLIP) throwError(state, "repeat of a chomping mode identifier");
      chomping = current === 43 ? CHOMPING_MODE.KEEP : CHOMPING_MODE.STRIP;
      state.position++;
    } else if (digit >= 0) {
      if (digit === 0) throwError(state, "bad explicit indentation width of a block scalar; it cannot be less than one");
      if (detectedIndent) throwError(state, "repeat of an indentation width identifier");
      indent = parentIndent + digit - 1;
      detectedIndent = true;
      state.position++;
    } else break;
  }
  let hadWhitespace = false;
  while (isWhiteSpace(state.input.charCodeAt(state.position))) {
    hadWhitespace = true;
    state.position++;
  }
  if (hadWhitespace && state.input.charCodeAt(state.position) === 35) skipUntilLineEnd(state);
  if (isEol(state.input.charCodeAt(state.position))) consumeLineBreak(state);
  else if (state.input.charCodeAt(state.position) !== 0) throwError(state, "a line break is expected");
  let contentIndent = detectedIndent ? indent : -1;
  let maxLeadingIndent = 0;
  const valueStart = state.position;
  let valueEnd = state.position;
  while (state.input.charCodeAt(state.position) !== 0) {
    const linePosition = state.position;
    let column = 0;
    while (state.input.charCodeAt(linePosition + column) === 32) column++;
    const first = state.input.charCodeAt(linePosition + column);
    if (first === 0) {
      if (contentIndent >= 0) {
        if (column > contentIndent) valueEnd = linePosition + column;
      } else if (column > 0) valueEnd = linePosition + column;
      break;
    }
    if (testDocumentBoundary(state)) break;
    if (!detectedIndent && contentIndent === -1 && isEol(first)) maxLeadingIndent = Math.max(maxLeadingIndent, column);
    if (!detectedIndent && contentIndent === -1 && !isEol(first)) {
      if (first === 9 && column < parentIndent) {
        state.position = linePosition + column;
        throwError(state, "tab characters must not be used in indentation");
      }
      if (column >= parentIndent && column < maxLeadingIndent) {
        state.position = linePosition + column;
        throwError(state, "bad indentation of a mapping entry");
      }
    }
    if (contentIndent === -1 && first !== 0 && !isEol(first) && column < parentIndent) {
      state.lineIndent = column;
      state.position = linePosition + column;
      break;
    }
    if (!detectedIndent && first !== 0 && !isEol(first) && contentIndent === -1) contentIndent = column;
    const requiredIndent = contentIndent === -1 ? parentIndent + 1 : contentIndent;
    if (first !== 0 && !isEol(first) && column < requiredIndent) {
      state.lineIndent = column;
      state.position = linePosition + column;
      break;
    }
    skipUntilLineEnd(state);
    valueEnd = state.position;
    if (isEol(state.input.charCodeAt(state.position))) {
      consumeLineBreak(state);
      valueEnd = state.position;
    }
  }
  checkPrintable(state, valueStart, valueEnd);
  addScalarEvent(state, valueStart, valueEnd, props.anchorStart, props.anchorEnd, props.tagStart, props.tagEnd, style, chomping, contentIndent);
  return true;
}
function canStartPlainScalar(state, nodeContext) {
  const ch = state.input.charCodeAt(state.position);
  const inFlow = nodeContext === CONTEXT_FLOW_IN;
  if (ch === 0 || isWsOrEol(ch) || ch === 35 || ch === 38 || ch === 42 || ch === 33 || ch === 124 || ch === 62 || ch === 39 || ch === 34 || ch === 37 || ch === 64 || ch === 96 || isFlowIndicator(ch)) return false;
  if (ch === 63 || ch === 45) {
    const following = state.input.charCodeAt(state.position + 1);
    if (isWsOrEolOrEnd(following) || inFlow && isFlowIndicator(following)) return false;
  }
  return true;
}
function readPlainScalar(state, nodeIndent, nodeContext, props) {
  if (!canStartPlainScalar(state, nodeContext)) return false;
  const start3 = state.position;
  let end2 = state.position;
  let ch = state.input.charCodeAt(state.position);
  const inFlow = nodeContext === CONTEXT_FLOW_IN;
  let multiline = false;
  while (ch !== 0) {
    if (testDocumentBoundary(state)) break;
    if (ch === 58) {
      const following = state.input.charCodeAt(state.position + 1);
      if (isWsOrEolOrEnd(following) || inFlow && isFlowIndicator(following)) break;
    } else if (ch === 35) {
      if (isWsOrEol(state.input.charCodeAt(state.position - 1))) break;
    } else if (inFlow && isFlowIndicator(ch)) break;
    else if (isEol(ch)) {
      const savedPosition = state.position;
      const savedLine = state.line;
      const savedLineStart = state.lineStart;
      const savedLineIndent = state.lineIndent;
      skipSeparationSpace(state, false);
      if (state.lineIndent >= nodeIndent) {
        multiline = true;
        ch = state.input.charCodeAt(state.position);
        continue;
      }
      state.position = savedPosition;
      state.line = savedLine;
      state.lineStart = savedLineStart;
      state.lineIndent = savedLineIndent;
      break;
    }
    if (!isWhiteSpace(ch)) end2 = state.position + 1;
    ch = state.input.charCodeAt(++state.position);
  }
  if (end2 === start3) return false;
  checkPrintable(state, start3, end2);
  addScalarEvent(state, start3, end2, props.anchorStart, props.anchorEnd, props.tagStart, props.tagEnd, SCALAR_STYLE.PLAIN, CHOMPING_MODE.CLIP, -1, !multiline);
  return true;
}
function skipFlowSeparationSpace(state, nodeIndent) {
  const startLine = state.line;
  skipSeparationSpace(state, true);
  if (state.line > startLine && state.lineIndent < nodeIndent || state.firstTabInLine !== -1 && state.lineIndent < nodeIndent) throwError(state, "deficient indentation");
}
function readFlowCollection(state, nodeIndent, props) {
  const ch = state.input.charCodeAt(state.position);
  const isMapping = ch === 123;
  const start3 = state.position;
  let readNext = true;
  if (ch !== 91 && ch !== 123) return false;
  const terminator = isMapping ? 125 : 93;
  if (isMapping) addMappingEvent(state, start3, props.anchorStart, props.anchorEnd, props.tagStart, props.tagEnd, COLLECTION_STYLE.FLOW);
  else addSequenceEvent(state, start3, props.anchorStart, props.anchorEnd, props.tagStart, props.tagEnd, COLLECTION_STYLE.FLOW);
  state.position++;
  while (state.input.charCodeAt(state.position) !== 0) {
    skipFlowSeparationSpace(state, nodeIndent);
    let ch2 = state.input.charCodeAt(state.position);
    if (ch2 === terminator) {
      state.position++;
      addPopEvent(state);
      return true;
    } else if (!readNext) throwError(state, "missed comma between flow collection entries");
    else if (ch2 === 44) throwError(state, "expected the node content, but found ','");
    let isPair = false;
    let isExplicitPair = false;
    if (ch2 === 63 && isWsOrEol(state.input.charCodeAt(state.position + 1))) {
      isPair = isExplicitPair = true;
      state.position += 1;
      skipFlowSeparationSpace(state, nodeIndent);
    }
    const entryLine = state.line;
    const entryStart = snapshotState(state);
    const keyWasRead = parseNode(state, nodeIndent, CONTEXT_FLOW_IN, false, true);
    skipFlowSeparationSpace(state, nodeIndent);
    ch2 = state.input.charCodeAt(state.position);
    if ((isMapping || isExplicitPair || state.line === entryLine) && ch2 === 58) {
      isPair = true;
      state.position++;
      skipFlowSeparationSpace(state, nodeIndent);
      if (!isMapping) {
        insertFlowPairMappingEvent(state, entryStart);
        if (!keyWasRead) addEmptyScalarEvent(state);
      } else if (!keyWasRead) addEmptyScalarEvent(state);
      if (!parseNode(state, nodeIndent, CONTEXT_FLOW_IN, false, true)) addEmptyScalarEvent(state);
      skipFlowSeparationSpace(state, nodeIndent);
      if (!isMapping) addPopEvent(state);
    } else if (isMapping && isPair) {
      if (!keyWasRead) addEmptyScalarEvent(state);
      addEmptyScalarEvent(state);
    } else if (isMapping) addEmptyScalarEvent(state);
    else if (isPair) {
      insertFlowPairMappingEvent(state, entryStart);
      if (!keyWasRead) addEmptyScalarEvent(state);
      addEmptyScalarEvent(state);
      addPopEvent(state);
    }
    ch2 = state.input.charCodeAt(state.position);
    if (ch2 === 44) {
      readNext = true;
      state.position++;
    } else readNext = false;
  }
  throwError(state, "unexpected end of the stream within a flow collection");
}
function readBlockSequence(state, nodeIndent, props) {
  if (state.firstTabInLine !== -1 || state.input.charCodeAt(state.position) !== 45 || !isWsOrEolOrEnd(state.input.charCodeAt(state.position + 1))) return false;
  addSequenceEvent(state, state.position, props.anchorStart, props.anchorEnd, props.tagStart, props.tagEnd, COLLECTION_STYLE.BLOCK);
  while (state.input.charCodeAt(state.position) === 45 && isWsOrEolOrEnd(state.input.charCodeAt(state.position + 1))) {
    if (state.firstTabInLine !== -1) {
      state.position = state.firstTabInLine;
      throwError(state, "tab characters must not be used in indentation");
    }
    const entryLine = state.line;
    state.position++;
    const hadBreak = skipSeparationSpace(state, true) > 0;
    if (state.firstTabInLine !== -1 && state.input.charCodeAt(state.position) === 45 && isWsOrEolOrEnd(state.input.charCodeAt(state.position + 1))) throwError(state, "bad indentation of a sequence entry");
    if (hadBreak && state.lineIndent <= nodeIndent) addEmptyScalarEvent(state);
    else parseNode(state, nodeIndent, CONTEXT_BLOCK_IN, false, true);
    skipSeparationSpace(state, true);
    if (state.lineIndent < nodeIndent || state.position >= state.length) break;
    if (state.lineIndent > nodeIndent) throwError(state, "bad indentation of a sequence entry");
    if (state.line === entryLine && state.input.charCodeAt(state.position) === 45 && isWsOrEolOrEnd(state.input.charCodeAt(state.position + 1))) throwError(state, "bad indentation of a sequence entry");
  }
  addPopEvent(state);
  return true;
}
function readBlockMapping(state, nodeIndent, flowIndent, props) {
  let atExplicitKey = false;
  let detected = false;
  let mappingOpened = false;
  let pendingExplicitKey = false;
  if (state.firstTabInLine !== -1) return false;
  let ch = state.input.charCodeAt(state.position);
  while (ch !== 0) {
    if (!atExplicitKey && state.firstTabInLine !== -1) {
      state.position = state.firstTabInLine;
      throwError(state, "tab characters must not be used in indentation");
    }
    const following = state.input.charCodeAt(state.position + 1);
    const entryLine = state.line;
    if ((ch === 63 || ch === 58) && isWsOrEolOrEnd(following)) {
      if (!mappingOpened) {
        addMappingEvent(state, state.position, props.anchorStart, props.anchorEnd, props.tagStart, props.tagEnd, COLLECTION_STYLE.BLOCK);
        mappingOpened = true;
      }
      if (ch === 63) {
        if (atExplicitKey) addEmptyScalarEvent(state);
        detected = true;
        atExplicitKey = true;
      } else if (atExplicitKey) atExplicitKey = false;
      else {
        addEmptyScalarEvent(state);
        detected = true;
        atExplicitKey = false;
      }
      state.position += 1;
      pendingExplicitKey = true;
    } else {
      if (atExplicitKey) {
        addEmptyScalarEvent(state);
        atExplicitKey = false;
      }
      const beforeKey = snapshotState(state);
      if (!parseNode(state, flowIndent, CONTEXT_FLOW_OUT, false, true)) break;
      if (state.line === entryLine) {
        ch = state.input.charCodeAt(state.position);
        while (isWhiteSpace(ch)) ch = state.input.charCodeAt(++state.position);
        if (ch === 58) {
          ch = state.input.charCodeAt(++state.position);
          if (!isWsOrEolOrEnd(ch)) throwError(state, "a whitespace character is expected after the key-value separator within a block mapping");
          if (!mappingOpened) {
            state.events.splice(beforeKey.eventsLength, 0, {
              type: EVENT_ID.MAPPING,
              start: beforeKey.position,
              anchorStart: props.anchorStart,
              anchorEnd: props.anchorEnd,
              tagStart: props.tagStart,
              tagEnd: props.tagEnd,
              style: COLLECTION_STYLE.BLOCK
            });
            mappingOpened = true;
          }
          detected = true;
          atExplicitKey = false;
          pendingExplicitKey = false;
        } else if (detected) throwError(state, "expected ':' after a mapping key");
        else {
          if (props.anchorStart !== NO_RANGE$1 || props.tagStart !== NO_RANGE$1) {
            restoreState(state, beforeKey);
            return false;
          }
          return true;
        }
      } else if (detected) throwError(state, "can not read a block mapping entry; a multiline key may not be an implicit key");
      else {
        if (props.anchorStart !== NO_RANGE$1 || props.tagStart !== NO_RANGE$1) {
          restoreState(state, beforeKey);
          return false;
        }
        return true;
      }
    }
    if (parseNode(state, nodeIndent, CONTEXT_BLOCK_OUT, true, pendingExplicitKey)) pendingExplicitKey = false;
    if (!atExplicitKey) {
      if (pendingExplicitKey) {
        addEmptyScalarEvent(state);
        pendingExplicitKey = false;
      }
    }
    skipSeparationSpace(state, true);
    ch = state.input.charCodeAt(state.position);
    if ((state.line === entryLine || state.lineIndent > nodeIndent) && ch !== 0) throwError(state, "bad indentation of a mapping entry");
    else if (state.lineIndent < nodeIndent) break;
  }
  if (!detected) return false;
  if (atExplicitKey) addEmptyScalarEvent(state);
  if (mappingOpened) addPopEvent(state);
  return true;
}
function parseNode(state, parentIndent, nodeContext, allowToSeek, allowCompact, allowPropertyMapping = true) {
  if (state.depth >= state.maxDepth) throwError(state, `nesting exceeded maxDepth (${state.maxDepth})`);
  state.depth++;
  let indentStatus = 1;
  let atNewLine = false;
  let hasContent = false;
  let propertyStart = null;
  const props = emptyProperties();
  let allowBlockScalars = nodeContext === CONTEXT_BLOCK_OUT || nodeContext === CONTEXT_BLOCK_IN;
  let allowBlockCollections = allowBlockScalars;
  const allowBlockStyles = allowBlockScalars;
  if (allowToSeek && skipSeparationSpace(state, true)) {
    atNewLine = true;
    if (state.lineIndent > parentIndent) indentStatus = 1;
    else if (state.lineIndent === parentIndent) indentStatus = 0;
    else indentStatus = -1;
  }
  if (indentStatus === 1) while (true) {
    const ch = state.input.charCodeAt(state.position);
    const propertyState = snapshotState(state);
    if (atNewLine && indentStatus !== 1 && (ch === 33 || ch === 38)) break;
    if (atNewLine && allowBlockStyles && (props.tagStart !== NO_RANGE$1 || props.anchorStart !== NO_RANGE$1) && (ch === 33 || ch === 38)) {
      const fallbackState = snapshotState(state);
      const flowIndent = parentIndent + 1;
      if (readBlockMapping(state, state.position - state.lineStart, flowIndent, props) && state.events[fallbackState.eventsLength]?.type === EVENT_ID.MAPPING) {
        state.depth--;
        return true;
      }
      restoreState(state, fallbackState);
    }
    if (atNewLine && (ch === 33 && props.tagStart !== NO_RANGE$1 || ch === 38 && props.anchorStart !== NO_RANGE$1)) break;
    if (!readTagProperty(state, props, nodeContext === CONTEXT_FLOW_IN) && !readAnchorProperty(state, props)) break;
    if (propertyStart === null) propertyStart = propertyState;
    if (skipSeparationSpace(state, true)) {
      atNewLine = true;
      allowBlockCollections = allowBlockStyles;
      if (state.lineIndent > parentIndent) indentStatus = 1;
      else if (state.lineIndent === parentIndent) indentStatus = 0;
      else indentStatus = -1;
    } else allowBlockCollections = false;
  }
  if (allowBlockCollections) allowBlockCollections = atNewLine || allowCompact;
  if (indentStatus === 1 || nodeContext === CONTEXT_BLOCK_OUT) {
    const flowIndent = nodeContext === CONTEXT_FLOW_IN || nodeContext === CONTEXT_FLOW_OUT ? parentIndent : parentIndent + 1;
    const blockIndent = state.position - state.lineStart;
    if (indentStatus === 1) {
      if (allowBlockCollections && (readBlockSequence(state, blockIndent, props) || readBlockMapping(state, blockIndent, flowIndent, props)) || readFlowCollection(state, flowIndent, props)) hasContent = true;
      else {
        const ch = state.input.charCodeAt(state.position);
        if (propertyStart !== null && allowPropertyMapping && allowBlockStyles && !allowBlockCollections && ch !== 124 && ch !== 62) {
          const fallbackState = snapshotState(state);
          const propertyIndent = propertyStart.position - propertyStart.lineStart;
          restoreState(state, propertyStart);
          if (readBlockMapping(state, propertyIndent, flowIndent, emptyProperties()) && state.events[fallbackState.eventsLength]?.type === EVENT_ID.MAPPING) hasContent = true;
          else restoreState(state, fallbackState);
        }
        if (!hasContent && (allowBlockScalars && readBlockScalar(state, flowIndent, props) || readSingleQuotedScalar(state, flowIndent, props) || readDoubleQuotedScalar(state, flowIndent, props) || readAlias(state, props) || readPlainScalar(state, flowIndent, nodeContext, props))) hasContent = true;
      }
    } else if (indentStatus === 0) hasContent = allowBlockCollections && readBlockSequence(state, blockIndent, props);
  }
  allowBlockScalars = allowBlockScalars && !hasContent;
  if (!hasContent && (props.anchorStart !== NO_RANGE$1 || props.tagStart !== NO_RANGE$1 || allowBlockScalars)) {
    addScalarEvent(state, NO_RANGE$1, NO_RANGE$1, props.anchorStart, props.anchorEnd, props.tagStart, props.tagEnd, SCALAR_STYLE.PLAIN);
    hasContent = true;
  }
  state.depth--;
  return hasContent || props.anchorStart !== NO_RANGE$1 || props.tagStart !== NO_RANGE$1;
}
function readDirective(state) {
  if (state.lineIndent > 0 || state.input.charCodeAt(state.position) !== 37) return false;
  state.position++;
  const nameStart = state.position;
  while (state.input.charCodeAt(state.position) !== 0 && !isWsOrEol(state.input.charCodeAt(state.position))) state.position++;
  const name = state.input.slice(nameStart, state.position);
  const args = [];
  if (name.length === 0) throwError(state, "directive name must not be less than one character in length");
  while (state.input.charCodeAt(state.position) !== 0 && !isEol(state.input.charCodeAt(state.position))) {
    while (isWhiteSpace(state.input.charCodeAt(state.position))) state.position++;
    if (state.input.charCodeAt(state.position) === 35 || isEol(state.input.charCodeAt(state.position)) || state.input.charCodeAt(state.position) === 0) break;
    const start3 = state.position;
    while (state.input.charCodeAt(state.position) !== 0 && !isWsOrEol(state.input.charCodeAt(state.position))) state.position++;
    args.push(state.input.slice(start3, state.position));
  }
  if (isEol(state.input.charCodeAt(state.position))) consumeLineBreak(state);
  if (name === "YAML") {
    if (state.directives.some((directive) => directive.kind === "yaml")) throwError(state, "duplication of %YAML directive");
    if (args.length !== 1) throwError(state, "YAML directive accepts exactly one argument");
    const match = /^([0-9]+)\.([0-9]+)$/.exec(args[0]);
    if (match === null) throwError(state, "ill-formed argument of the YAML directive");
    if (parseInt(match[1], 10) !== 1) throwError(state, "unacceptable YAML version of the document");
    state.directives.push({
      kind: "yaml",
      version: args[0]
    });
  } else if (name === "TAG") {
    if (args.length !== 2) throwError(state, "TAG directive accepts exactly two arguments");
    const [handle, prefix] = args;
    if (!PATTERN_TAG_HANDLE.test(handle)) throwError(state, "ill-formed tag handle (first argument) of the TAG directive");
    if (HAS_OWN.call(state.tagHandlers, handle)) throwError(state, `there is a previously declared suffix for "${handle}" tag handle`);
    if (!PATTERN_TAG_PREFIX.test(prefix)) throwError(state, "ill-formed tag prefix (second argument) of the TAG directive");
    state.tagHandlers[handle] = prefix;
    state.directives.push({
      kind: "tag",
      handle,
      prefix
    });
  }
  return true;
}
function readDocument(state) {
  state.directives = [];
  state.tagHandlers = /* @__PURE__ */ Object.create(null);
  let hasDirectives = false;
  skipSeparationSpace(state, true);
  while (readDirective(state)) {
    hasDirectives = true;
    skipSeparationSpace(state, true);
  }
  let explicitStart = false;
  let explicitEnd = false;
  let allowCompact = true;
  if (state.lineIndent === 0 && state.input.charCodeAt(state.position) === 45 && state.input.charCodeAt(state.position + 1) === 45 && state.input.charCodeAt(state.position + 2) === 45 && isWsOrEolOrEnd(state.input.charCodeAt(state.position + 3))) {
    explicitStart = true;
    const markerLine = state.line;
    state.position += 3;
    skipSeparationSpace(state, true);
    allowCompact = state.line > markerLine;
  } else if (hasDirectives) throwError(state, "directives end mark is expected");
  const documentEventIndex = state.events.length;
  if (!explicitStart && state.position === state.lineStart && state.input.charCodeAt(state.position) === 46 && testDocumentSeparator(state)) {
    state.position += 3;
    skipSeparationSpace(state, true);
    return;
  }
  addDocumentEvent(state, explicitStart, false);
  if (!parseNode(state, state.lineIndent - 1, CONTEXT_BLOCK_OUT, false, allowCompact, allowCompact)) addEmptyScalarEvent(state);
  skipSeparationSpace(state, true);
  if (state.position === state.lineStart && testDocumentSeparator(state)) {
    explicitEnd = state.input.charCodeAt(state.position) === 46;
    if (explicitEnd) {
      const markerLine = state.line;
      state.position += 3;
      skipSeparationSpace(state, true);
      if (state.line === markerLine && state.position < state.length) throwError(state, "end of the stream or a document separator is expected");
    }
  }
  const documentEvent = state.events[documentEventIndex];
  if (documentEvent?.type === EVENT_ID.DOCUMENT) documentEvent.explicitEnd = explicitEnd;
  addPopEvent(state);
  if (!explicitEnd && state.position < state.length && !testDocumentBoundary(state)) throwError(state, "end of the stream or a document separator is expected");
}
function parseEvents(input, options) {
  const length = input.length;
  const state = {
    ...DEFAULT_PARSER_OPTIONS,
    ...options,
    input: `${input}\0`,
    length,
    position: 0,
    line: 0,
    lineStart: 0,
    lineIndent: 0,
    firstTabInLine: -1,
    depth: 0,
    directives: [],
    tagHandlers: /* @__PURE__ */ Object.create(null),
    events: []
  };
  const nullpos = input.indexOf("\0");
  if (nullpos !== -1) YAMLException.throwAt(input, nullpos, "null byte is not allowed in input", state.filename);
  while (state.position < state.length) {
    skipByteOrderMark(state);
    skipSeparationSpace(state, true);
    if (state.position >= state.length) break;
    const documentStart = state.position;
    readDocument(state);
    if (state.position === documentStart)
      throwError(state, "can not read a document");
  }
  return state.events;
}
function loadDocuments(input, options = {}) {
  const opts = {
    ...DEFAULT_LOAD_OPTIONS,
    ...options
  };
  const source = String(input);
  const PARSER_OPT_KEYS = Object.keys(DEFAULT_PARSER_OPTIONS);
  const CONSTRUCTOR_OPT_KEYS = Object.keys(DEFAULT_CONSTRUCTOR_OPTIONS);
  return constructFromEvents(parseEvents(source, pick(opts, PARSER_OPT_KEYS)), {
    ...pick(opts, CONSTRUCTOR_OPT_KEYS),
    source
  });
}
function loadAll(input, iteratorOrOptions, options) {
  let iterator = null;
  if (typeof iteratorOrOptions === "function") iterator = iteratorOrOptions;
  else if (iteratorOrOptions !== null && typeof iteratorOrOptions === "object") options = iteratorOrOptions;
  const documents = loadDocuments(input, options);
  if (iterator === null) return documents;
  for (const document2 of documents) iterator(document2);
}
function load(input, options) {
  const documents = loadDocuments(input, options);
  if (documents.length === 0) throw new YAMLException("expected a document, but the input is empty");
  if (documents.length === 1) return documents[0];
  throw new YAMLException("expected a single document in the stream, but found more");
}
function buildRepresentTypes(schema) {
  const defaultTags = new Set([
    schema.defaultScalarTag,
    schema.defaultSequenceTag,
    schema.defaultMappingTag
  ].filter((t) => t !== void 0));
  const implicitScalars = schema.implicitScalarTags;
  const explicitTags = schema.tags.filter((t) => !(t.nodeKind === "scalar" && t.implicit) && !defaultTags.has(t));
  const defaultTagsLast = schema.tags.filter((t) => defaultTags.has(t));
  return [
    ...implicitScalars.map((tag) => ({
      tag,
      implicitTag: true
    })),
    ...explicitTags.map((tag) => ({
      tag,
      implicitTag: false
    })),
    ...defaultTagsLast.map((tag) => ({
      tag,
      implicitTag: true
    }))
  ];
}
function matchTag(state, object) {
  for (let index = 0, length = state.representTypes.length; index < length; index += 1) {
    const { tag, implicitTag } = state.representTypes[index];
    if (tag.identify(object)) {
      let tagName;
      if (tag.matchByTagPrefix) tagName = tag.representTagName(object);
      else tagName = tag.tagName;
      return {
        tag,
        tagName,
        implicitTag
      };
    }
  }
  return null;
}
function build(state, object) {
  if (!state.noRefs && object !== null && typeof object === "object") {
    const existing = state.refs.get(object);
    if (existing) {
      if (existing.anchor === void 0) existing.anchor = `ref_${state.refCounter++}`;
      return {
        kind: "alias",
        anchor: existing.anchor
      };
    }
  }
  const matched = matchTag(state, object);
  if (!matched) {
    if (object === void 0) return INVALID;
    if (state.skipInvalid) return INVALID;
    throw new YAMLException(`unacceptable kind of an object to dump ${Object.prototype.toString.call(object)}`);
  }
  const { tag, tagName, implicitTag } = matched;
  const nodeTagName = implicitTag ? tagName : tagNameShort(tagName);
  if (tag.nodeKind === "scalar") return {
    kind: "scalar",
    tag: nodeTagName,
    tagged: !implicitTag,
    style: SCALAR_STYLE.PLAIN,
    value: tag.represent(object)
  };
  if (tag.nodeKind === "sequence") {
    const container = tag.represent(object);
    const node2 = {
      kind: "sequence",
      tag: nodeTagName,
      tagged: !implicitTag,
      style: COLLECTION_STYLE.BLOCK,
      items: []
    };
    if (!state.noRefs) state.refs.set(object, node2);
    for (let index = 0, length = container.length; index < length; index += 1) {
      let item = build(state, container[index]);
      if (item === INVALID && container[index] === void 0) item = build(state, null);
      if (item === INVALID) continue;
      node2.items.push(item);
    }
    return node2;
  }
  const map = tag.represent(object);
  const node = {
    kind: "mapping",
    tag: nodeTagName,
    tagged: !implicitTag,
    style: COLLECTION_STYLE.BLOCK,
    items: []
  };
  if (!state.noRefs) state.refs.set(object, node);
  for (const [objectKey, objectValue] of map) {
    const key = build(state, objectKey);
    if (key === INVALID) continue;
    const value = build(state, objectValue);
    if (value === INVALID) continue;
    node.items.push({
      key,
      value
    });
  }
  return node;
}
function jsToAst(input, schema, options = {}) {
  const root = build({
    representTypes: buildRepresentTypes(schema),
    noRefs: options.noRefs ?? false,
    skipInvalid: options.skipInvalid ?? false,
    refs: /* @__PURE__ */ new Map(),
    refCounter: 0
  }, input);
  return [{
    contents: root === INVALID ? null : root,
    directives: []
  }];
}
function visitNode(node, visitor, ctx) {
  const control = visitor(node, ctx);
  if (control === VISIT_BREAK) return true;
  if (control === VISIT_SKIP) return false;
  const depth = ctx.depth + 1;
  switch (node.kind) {
    case "sequence":
      for (const item of node.items) if (visitNode(item, visitor, {
        depth,
        parent: node,
        isKey: false
      })) return true;
      break;
    case "mapping":
      for (const { key, value } of node.items) {
        if (visitNode(key, visitor, {
          depth,
          parent: node,
          isKey: true
        })) return true;
        if (visitNode(value, visitor, {
          depth,
          parent: node,
          isKey: false
        })) return true;
      }
  }
  return false;
}
function visit(documents, visitor) {
  for (const doc of documents) if (doc.contents && visitNode(doc.contents, visitor, {
    depth: 0,
    parent: null,
    isKey: false
  })) return;
}
function hasBit(mask, bit) {
  return (mask & 1 << bit) !== 0;
}
function _preferredQuotedStyle(layout) {
  if (layout.presenterOptions.quoteStyle === "single" && hasBit(layout.allowedStylesMask, SCALAR_STYLE.SINGLE_QUOTED)) return SCALAR_STYLE.SINGLE_QUOTED;
  return SCALAR_STYLE.DOUBLE_QUOTED;
}
function applyQuoteFlowKeysOption(layout) {
  if (!layout.presenterOptions.quoteFlowKeys) return;
  if (!layout.isKey || !layout.flowOnly || layout.style !== SCALAR_STYLE.PLAIN) return;
  layout.style = SCALAR_STYLE.DOUBLE_QUOTED;
}
function doubleQuoteForInvisibles(layout) {
  if (layout.style === SCALAR_STYLE.PLAIN && /[\t\x7F-\xA0\u2028\u2029\uFEFF\uFFFE\uFFFF]/.test(layout.node.value)) layout.style = SCALAR_STYLE.DOUBLE_QUOTED;
}
function doubleQuoteWhitespaceOnly(layout) {
  if (layout.style === SCALAR_STYLE.PLAIN && /^\s+$/.test(layout.node.value)) layout.style = SCALAR_STYLE.DOUBLE_QUOTED;
}
function applyForceQuotesOption(layout) {
  if (!layout.presenterOptions.forceQuotes) return;
  if (layout.isKey || layout.style !== SCALAR_STYLE.PLAIN) return;
  if (layout.node.tag !== layout.presenterOptions.schema.defaultScalarTag.tagName) return;
  layout.style = layout.node.value.includes("\n") ? SCALAR_STYLE.DOUBLE_QUOTED : _preferredQuotedStyle(layout);
}
function tryLongOrMultilineAsBlock(layout) {
  if (layout.style !== SCALAR_STYLE.PLAIN || layout.isKey) return;
  const value = layout.node.value;
  const multiline = value.indexOf("\n") !== -1;
  if (!hasBit(layout.allowedStylesMask, SCALAR_STYLE.LITERAL_BLOCK)) {
    if (multiline) layout.style = SCALAR_STYLE.DOUBLE_QUOTED;
    return;
  }
  const w = layout.presenterOptions.lineWidth;
  if (w === -1) {
    if (multiline) layout.style = SCALAR_STYLE.LITERAL_BLOCK;
    return;
  }
  const availableWidth = Math.max(Math.min(w, 40), w - layout.shiftOfContent);
  let position = 0;
  let shouldFold = false;
  while (position <= value.length) {
    let lineEnd = value.length;
    const nextLineBreak = value.indexOf("\n", position);
    if (nextLineBreak !== -1) lineEnd = nextLineBreak;
    const line = value.slice(position, lineEnd);
    if (line.length > availableWidth && line[0] !== " " && / [^ \t]/.test(line)) shouldFold = true;
    if (nextLineBreak === -1) break;
    position = nextLineBreak + 1;
  }
  if (shouldFold) layout.style = SCALAR_STYLE.FOLDED_BLOCK;
  else if (multiline) layout.style = SCALAR_STYLE.LITERAL_BLOCK;
}
function quoteInvalidPlain(layout) {
  if (layout.style === SCALAR_STYLE.PLAIN && !hasBit(layout.allowedStylesMask, SCALAR_STYLE.PLAIN)) layout.style = _preferredQuotedStyle(layout);
}
function fallbackToDoubleQuoted(layout) {
  if (!hasBit(layout.allowedStylesMask, layout.style)) layout.style = SCALAR_STYLE.DOUBLE_QUOTED;
}
function setBit(mask, bit) {
  return mask | 1 << bit;
}
function canUsePlain(layout) {
  const str = layout.node.value;
  if (str !== "") {
    if (!(layout.isKey ? layout.flowOnly ? NS_PLAIN_FLOW_KEY : NS_PLAIN_BLOCK_KEY : layout.flowOnly ? NS_PLAIN_FLOW_IN : NS_PLAIN_FLOW_OUT).test(str)) return false;
    if (layout.shiftOfFirstLine === 0 && C_FORBIDDEN_FIRST_LINE.test(str)) return false;
    if (layout.shiftOfContent === 0) {
      const firstLineBreak = str.indexOf("\n");
      if (firstLineBreak !== -1) {
        const content = str.slice(firstLineBreak + 1);
        if (C_FORBIDDEN_CONTENT.test(content)) return false;
      }
    }
  }
  const resolvedTag = layout.presenterOptions.schema.resolveImplicitScalarTag(str).tag.tagName;
  if (!layout.node.tagged && resolvedTag !== layout.node.tag) return false;
  if (!layout.node.tagged && str === "=" && resolvedTag === layout.presenterOptions.schema.defaultScalarTag.tagName) return false;
  return true;
}
function canUseSingleQuoted(layout) {
  const str = layout.node.value;
  if (!(layout.isKey ? NB_SINGLE_ONE_LINE : NB_SINGLE_MULTI_LINE).test(str)) return false;
  if (/[ \t]\n|\n[ \t]/.test(str)) return false;
  if (!layout.isKey && layout.shiftOfContent === 0) {
    const firstLineBreak = str.indexOf("\n");
    if (firstLineBreak !== -1 && C_FORBIDDEN_CONTENT.test(str.slice(firstLineBreak + 1))) return false;
  }
  return true;
}
function canUseBlock(layout) {
  if (layout.flowOnly || !BLOCK_SCALAR_CONTENT.test(layout.node.value)) return false;
  const contentIndent = layout.shiftOfContent - layout.shiftOfParent;
  if (contentIndent < 1) return false;
  if (contentIndent > 9 && /^\n* /.test(layout.node.value)) return false;
  if (layout.shiftOfContent === 0 && C_FORBIDDEN_CONTENT.test(layout.node.value)) return false;
  return true;
}
function detectAllowedStyles(layout) {
  let mask = setBit(0, SCALAR_STYLE.DOUBLE_QUOTED);
  if (canUsePlain(layout)) mask = setBit(mask, SCALAR_STYLE.PLAIN);
  if (canUseSingleQuoted(layout)) mask = setBit(mask, SCALAR_STYLE.SINGLE_QUOTED);
  if (canUseBlock(layout)) mask = setBit(setBit(mask, SCALAR_STYLE.LITERAL_BLOCK), SCALAR_STYLE.FOLDED_BLOCK);
  layout.allowedStylesMask = mask;
}
function renderScalar(layout) {
  switch (layout.style) {
    case SCALAR_STYLE.PLAIN:
      return renderPlain(layout);
    case SCALAR_STYLE.SINGLE_QUOTED:
      return renderSingleQuoted(layout);
    case SCALAR_STYLE.LITERAL_BLOCK:
      return renderLiteralBlock(layout);
    case SCALAR_STYLE.FOLDED_BLOCK:
      return renderFoldedBlock(layout);
    case SCALAR_STYLE.DOUBLE_QUOTED:
      return renderDoubleQuoted(layout);
  }
}
function renderPlain(layout) {
  return encodeFlowBreaks(layout.node.value, layout.shiftOfContent);
}
function renderSingleQuoted(layout) {
  return `'${encodeFlowBreaks(layout.node.value, layout.shiftOfContent).replace(/'/g, "''")}'`;
}
function renderLiteralBlock(layout) {
  const value = layout.node.value;
  return "|" + blockHeader(value, layout.shiftOfParent, layout.shiftOfContent) + dropEndingNewline(indentString(value, layout.shiftOfContent));
}
function renderFoldedBlock(layout) {
  const value = layout.node.value;
  const w = layout.presenterOptions.lineWidth;
  let availableWidth = Infinity;
  if (w !== -1) availableWidth = Math.max(Math.min(w, 40), w - layout.shiftOfContent);
  return ">" + blockHeader(value, layout.shiftOfParent, layout.shiftOfContent) + dropEndingNewline(indentString(foldBlockScalar(value, availableWidth), layout.shiftOfContent));
}
function renderDoubleQuoted(layout) {
  return `"${escapeString(layout.node.value)}"`;
}
function encodeFlowBreaks(string, shiftOfContent) {
  let nextLF = string.indexOf("\n");
  if (nextLF === -1) return string;
  const pad = " ".repeat(shiftOfContent);
  let result = string.slice(0, nextLF);
  const lineRe = /(\n+)([^\n]*)/g;
  lineRe.lastIndex = nextLF;
  let match;
  while (match = lineRe.exec(string)) {
    const breaks = match[1].length;
    const line = match[2];
    result += "\n".repeat(breaks + 1) + pad + line;
  }
  return result;
}
function indentString(string, spaces) {
  const indent = " ".repeat(spaces);
  let position = 0;
  let result = "";
  const length = string.length;
  while (position < length) {
    let line;
    const next = string.indexOf("\n", position);
    if (next === -1) {
      line = string.slice(position);
      position = length;
    } else {
      line = string.slice(position, next + 1);
      position = next + 1;
    }
    if (line.length && line !== "\n") result += indent;
    result += line;
  }
  return result;
}
function needIndentIndicator(string) {
  return /^\n* /.test(string);
}
function blockHeader(string, shiftOfParent, shiftOfContent) {
  const indentIndicator = needIndentIndicator(string) ? String(shiftOfContent - shiftOfParent) : "";
  const clip = string[string.length - 1] === "\n";
  return `${indentIndicator}${clip && (string[string.length - 2] === "\n" || string === "\n") ? "+" : clip ? "" : "-"}
`;
}
function dropEndingNewline(string) {
  return string[string.length - 1] === "\n" ? string.slice(0, -1) : string;
}
function isMoreIndented(char) {
  return char === " " || char === "	";
}
function foldLine(line, width) {
  if (line === "" || isMoreIndented(line[0])) return line;
  const breakRe = / [^ \t]/g;
  let match;
  let start3 = 0;
  let end2;
  let curr = 0;
  let next = 0;
  let result = "";
  while (match = breakRe.exec(line)) {
    next = match.index;
    if (next - start3 > width) {
      end2 = curr > start3 ? curr : next;
      result += `
${line.slice(start3, end2)}`;
      start3 = end2 + 1;
    }
    curr = next;
  }
  result += "\n";
  if (line.length - start3 > width && curr > start3) result += `${line.slice(start3, curr)}
${line.slice(curr + 1)}`;
  else result += line.slice(start3);
  return result.slice(1);
}
function foldBlockScalar(string, width) {
  const lineRe = /(\n+)([^\n]*)/g;
  let nextLF = string.indexOf("\n");
  if (nextLF === -1) nextLF = string.length;
  lineRe.lastIndex = nextLF;
  let result = foldLine(string.slice(0, nextLF), width);
  let prevMoreIndented = string[0] === "\n" || isMoreIndented(string[0]);
  let moreIndented;
  let match;
  while (match = lineRe.exec(string)) {
    const prefix = match[1];
    const line = match[2];
    moreIndented = line !== "" && isMoreIndented(line[0]);
    result += prefix + (!prevMoreIndented && !moreIndented && line !== "" ? "\n" : "") + foldLine(line, width);
    prevMoreIndented = moreIndented;
  }
  return result;
}
function escapeCharacter(character) {
  switch (character) {
    case "\0":
      return "\\0";
    case "\x07":
      return "\\a";
    case "\b":
      return "\\b";
    case "	":
      return "\\t";
    case "\n":
      return "\\n";
    case "\v":
      return "\\v";
    case "\f":
      return "\\f";
    case "\r":
      return "\\r";
    case "\x1B":
      return "\\e";
    case '"':
      return '\\"';
    case "\\":
      return "\\\\";
    case "":
      return "\\N";
    case " ":
      return "\\_";
    case "\u2028":
      return "\\L";
    case "\u2029":
      return "\\P";
  }
  const code = character.charCodeAt(0);
  const hex = code.toString(16).toUpperCase();
  if (code <= 255) return `\\x${"0".repeat(2 - hex.length)}${hex}`;
  return `\\u${"0".repeat(4 - hex.length)}${hex}`;
}
function escapeString(string) {
  return string.replace(CHARACTERS_TO_ESCAPE, escapeCharacter);
}
function nodeTagShort(node) {
  return node.tagged ? node.tag : tagNameShort(node.tag);
}
function createPresenterState(options) {
  const opts = {
    ...DEFAULT_PRESENTER_OPTIONS,
    ...options
  };
  if (opts.flowSkipColonSpace) opts.quoteFlowKeys = true;
  return {
    ...opts,
    defaultScalarTagName: opts.schema.defaultScalarTag.tagName,
    openEnded: false
  };
}
function generateNextLine(state, level) {
  return `
${" ".repeat(state.indent * level)}`;
}
function scalarLayout(state, node, parent, level, isKey, flowOnly) {
  return {
    node,
    parent,
    level,
    isKey,
    flowOnly,
    shiftOfParent: level === 0 ? -1 : state.indent * (level - 1),
    shiftOfContent: state.indent * Math.max(1, level),
    shiftOfFirstLine: level === 0 ? 0 : state.indent * level,
    presenterOptions: state,
    allowedStylesMask: 0,
    style: node.style
  };
}
function writeFlowSequence(state, level, node) {
  let result = "";
  for (let index = 0, length = node.items.length; index < length; index += 1) {
    const item = writeNode(state, level, node.items[index], node, {}).text;
    if (index > 0) result += `,${!state.flowSkipCommaSpace ? " " : ""}`;
    result += item;
  }
  const pad = state.flowBracketPadding && node.items.length > 0 ? " " : "";
  return `[${pad}${result}${pad}]`;
}
function writeBlockSequence(state, level, node, compact) {
  let result = "";
  for (let index = 0, length = node.items.length; index < length; index += 1) {
    const item = writeNode(state, level + 1, node.items[index], node, {
      block: true,
      compact: state.seqInlineFirst,
      isblockseq: true
    }).text;
    if (!compact || result !== "") result += generateNextLine(state, level);
    if (item === "" || CHAR_LINE_FEED === item.charCodeAt(0)) result += "-";
    else result += "- ";
    result += item;
  }
  return result;
}
function writeFlowMapping(state, level, node) {
  let result = "";
  for (const { key, value } of node.items) {
    let pairBuffer = "";
    if (result !== "") pairBuffer += `,${!state.flowSkipCommaSpace ? " " : ""}`;
    const keyRender = writeNode(state, level, key, node, { iskey: true });
    const keyText = keyRender.text;
    const valueText = writeNode(state, level, value, node, {}).text;
    const sep = state.flowSkipColonSpace || valueText === "" ? "" : " ";
    const keyIsBareProps = key.kind === "scalar" && keyRender.noBody && (key.tagged || key.anchor !== void 0);
    const keyColonSep = key.kind === "alias" || keyIsBareProps ? " " : "";
    pairBuffer += `${keyText}${keyColonSep}:${sep}${valueText}`;
    result += pairBuffer;
  }
  const pad = state.flowBracketPadding && result !== "" ? " " : "";
  return `{${pad}${result}${pad}}`;
}
function writeBlockMapping(state, level, node, compact) {
  let result = "";
  for (let index = 0, length = node.items.length; index < length; index += 1) {
    let pairBuffer = "";
    if (!compact || result !== "") pairBuffer += generateNextLine(state, level);
    const { key, value } = node.items[index];
    const keyIsBlock = (key.kind === "mapping" || key.kind === "sequence") && key.style === COLLECTION_STYLE.BLOCK && key.items.length !== 0 || key.kind === "scalar" && (key.style === SCALAR_STYLE.LITERAL_BLOCK || key.style === SCALAR_STYLE.FOLDED_BLOCK);
    const keyRender = keyIsBlock ? writeNode(state, level + 1, key, node, {
      block: true,
      compact: true,
      isblockseq: !cannotBeCompact(state, key, level + 1)
    }) : writeNode(state, level + 1, key, node, {
      block: true,
      compact: true,
      iskey: true
    });
    const keyText = keyRender.text;
    const keyHasLineBreak = key.kind === "scalar" && key.value.indexOf("\n") !== -1;
    const keyIsTooLong = keyText.length > 1024 && /^[\s\S]{1025}/u.test(keyText);
    const explicitPair = keyIsBlock || keyHasLineBreak || keyIsTooLong;
    if (explicitPair) {
      if (keyText && CHAR_LINE_FEED === keyText.charCodeAt(0)) pairBuffer += "?";
      else pairBuffer += "? ";
    }
    pairBuffer += keyText;
    if (explicitPair) pairBuffer += generateNextLine(state, level);
    const valueText = writeNode(state, level + 1, value, node, {
      block: true,
      compact: explicitPair,
      isblockseq: explicitPair && !cannotBeCompact(state, value, level + 1)
    }).text;
    const keyIsBareProps = key.kind === "scalar" && keyRender.noBody && (key.tagged || key.anchor !== void 0);
    const keyColonSep = !explicitPair && (key.kind === "alias" || keyIsBareProps) ? " " : "";
    if (valueText === "" || CHAR_LINE_FEED === valueText.charCodeAt(0)) pairBuffer += `${keyColonSep}:`;
    else pairBuffer += `${keyColonSep}: `;
    pairBuffer += valueText;
    result += pairBuffer;
  }
  return result;
}
function cannotBeCompact(state, node, level) {
  if (node.kind === "alias") return true;
  return node.tagged || node.anchor !== void 0 || state.indent < 2 && level > 0;
}
function writeNode(state, level, node, parent, ctx) {
  if (node.kind === "alias") {
    state.openEnded = false;
    return {
      text: `*${node.anchor}`,
      noBody: false
    };
  }
  const { block = false, iskey = false, isblockseq = false } = ctx;
  let compact = ctx.compact ?? false;
  const hasAnchor = node.anchor !== void 0;
  if (cannotBeCompact(state, node, level)) compact = false;
  let body;
  let shouldPrintTag = node.tagged;
  const useBlockCollection = block && (node.kind === "mapping" || node.kind === "sequence") && node.style === COLLECTION_STYLE.BLOCK && node.items.length !== 0;
  if (node.kind === "mapping") {
    if (useBlockCollection) body = writeBlockMapping(state, level, node, compact);
    else body = writeFlowMapping(state, level, node);
  } else if (node.kind === "sequence") {
    if (useBlockCollection) {
      if (state.seqNoIndent && !isblockseq && level > 0) body = writeBlockSequence(state, level - 1, node, compact);
      else body = writeBlockSequence(state, level, node, compact);
    } else body = writeFlowSequence(state, level, node);
  } else {
    const layout = scalarLayout(state, node, parent, level, iskey, !block);
    detectAllowedStyles(layout);
    for (const rule of state.scalarStyleRules) rule(layout);
    body = renderScalar(layout);
    state.openEnded = (layout.style === SCALAR_STYLE.LITERAL_BLOCK || layout.style === SCALAR_STYLE.FOLDED_BLOCK) && (node.value === "\n" || node.value.endsWith("\n\n"));
    shouldPrintTag = node.tagged || body === "" && layout.flowOnly && parent?.kind === "sequence" && !hasAnchor || layout.style !== SCALAR_STYLE.PLAIN && node.tag !== state.defaultScalarTagName;
  }
  if ((node.kind === "mapping" || node.kind === "sequence") && !useBlockCollection) state.openEnded = false;
  if (useBlockCollection && compact && level > 0 && state.indent > 2) body = `${" ".repeat(state.indent - 2)}${body}`;
  const noBody = body === "";
  let text3 = body;
  if (shouldPrintTag || hasAnchor) {
    const props = [];
    const tag = shouldPrintTag ? nodeTagShort(node) : null;
    const anchor = hasAnchor ? `&${node.anchor}` : null;
    if (state.tagBeforeAnchor) {
      if (tag !== null) props.push(tag);
      if (anchor !== null) props.push(anchor);
    } else {
      if (anchor !== null) props.push(anchor);
      if (tag !== null) props.push(tag);
    }
    const sep = body === "" || body.charCodeAt(0) === CHAR_LINE_FEED ? "" : " ";
    text3 = `${props.join(" ")}${sep}${body}`;
  }
  return {
    text: text3,
    noBody
  };
}
function rootStartsOwnLine(node) {
  return (node.kind === "sequence" || node.kind === "mapping") && node.style === COLLECTION_STYLE.BLOCK && node.items.length !== 0 && !node.tagged && node.anchor === void 0;
}
function writeDocumentDirectives(doc) {
  let result = "";
  for (const directive of doc.directives) {
    if (directive.kind === "yaml") {
      result += `%YAML ${directive.version}
`;
      continue;
    }
    const { handle, prefix } = directive;
    result += `%TAG ${handle} ${prefix}
`;
  }
  return result;
}
function present(documents, options) {
  const state = createPresenterState(options);
  let result = "";
  let previousEnded = false;
  for (let index = 0; index < documents.length; index += 1) {
    const doc = documents[index];
    state.openEnded = false;
    const directives = writeDocumentDirectives(doc);
    const hasDirectives = directives !== "";
    const marker = doc.explicitStart || hasDirectives || index > 0 && !previousEnded;
    result += directives;
    if (doc.contents === null) {
      if (marker) result += "---\n";
    } else if (marker) {
      const body = writeNode(state, 0, doc.contents, null, {
        block: true,
        compact: true
      }).text;
      const sep = body === "" ? "" : hasDirectives || rootStartsOwnLine(doc.contents) ? "\n" : " ";
      result += `---${sep}${body}
`;
    } else result += writeNode(state, 0, doc.contents, null, {
      block: true,
      compact: true
    }).text + "\n";
    previousEnded = doc.explicitEnd || state.openEnded;
    if (previousEnded) result += "...\n";
  }
  return result;
}
function defaultCompareFn(a, b) {
  const x = String(a);
  const y = String(b);
  if (x < y) return -1;
  if (x > y) return 1;
  return 0;
}
function dump(input, options = {}) {
  const opts = {
    ...DEFAULT_DUMP_OPTIONS,
    ...options
  };
  const documents = jsToAst(input, opts.schema, {
    noRefs: opts.noRefs,
    skipInvalid: opts.skipInvalid
  });
  if (opts.flowLevel >= 0) visit(documents, (node, ctx) => {
    if (ctx.depth < opts.flowLevel) return;
    if (node.kind === "sequence" || node.kind === "mapping") node.style = COLLECTION_STYLE.FLOW;
    return VISIT_SKIP;
  });
  if (opts.sortKeys) {
    const compareFn = opts.sortKeys === true ? defaultCompareFn : opts.sortKeys;
    visit(documents, (node) => {
      if (node.kind !== "mapping") return;
      node.items.sort((a, b) => compareFn(a.key.kind === "scalar" ? a.key.value : "", b.key.kind === "scalar" ? b.key.value : ""));
    });
  }
  opts.transform(documents);
  return present(documents, {
    ...pick(opts, Object.keys(DEFAULT_PRESENTER_OPTIONS)),
    schema: opts.schema
  });
}
function eventPosition(event) {
  if ("tagStart" in event && event.tagStart !== NO_RANGE) return event.tagStart;
  if ("anchorStart" in event && event.anchorStart !== NO_RANGE) return event.anchorStart;
  if ("valueStart" in event && event.valueStart !== NO_RANGE) return event.valueStart;
  if ("start" in event) return event.start;
  return 0;
}
function rawTag(state, event) {
  return event.tagStart === NO_RANGE ? "" : state.source.slice(event.tagStart, event.tagEnd);
}
function anchorName(state, event) {
  return event.anchorStart === NO_RANGE ? void 0 : state.source.slice(event.anchorStart, event.anchorEnd);
}
function buildScalar(state, event) {
  const value = getScalarValue(state.source, event);
  const raw = rawTag(state, event);
  let tag;
  let tagged = false;
  if (raw !== "") {
    tagged = true;
    tag = raw;
  } else if (event.style === SCALAR_STYLE.PLAIN) tag = state.schema.resolveImplicitScalarTag(value).tag.tagName;
  else tag = state.schema.defaultScalarTag.tagName;
  return {
    kind: "scalar",
    tag,
    tagged,
    style: event.style,
    anchor: anchorName(state, event),
    value
  };
}
function buildCollection(state, event, defaultTagName) {
  const raw = rawTag(state, event);
  let tag;
  let tagged = false;
  if (raw === "") tag = defaultTagName;
  else {
    tag = raw;
    tagged = true;
  }
  return {
    tag,
    tagged,
    style: event.style,
    anchor: anchorName(state, event)
  };
}
function addNode(state, node) {
  const frame = state.frames[state.frames.length - 1];
  if (frame.kind === "document") frame.doc.contents = node;
  else if (frame.kind === "sequence") frame.node.items.push(node);
  else if (frame.key) {
    frame.node.items.push({
      key: frame.key,
      value: node
    });
    frame.key = null;
  } else frame.key = node;
}
function eventsToAst(events, options) {
  const state = {
    source: options.source,
    schema: options.schema,
    eventIndex: 0,
    position: 0,
    frames: [],
    documents: []
  };
  while (state.eventIndex < events.length) {
    const event = events[state.eventIndex++];
    state.position = eventPosition(event);
    switch (event.type) {
      case EVENT_ID.DOCUMENT: {
        const doc = {
          contents: null,
          explicitStart: event.explicitStart,
          explicitEnd: event.explicitEnd,
          directives: event.directives
        };
        state.frames.push({
          kind: "document",
          doc
        });
        break;
      }
      case EVENT_ID.SCALAR:
        addNode(state, buildScalar(state, event));
        break;
      case EVENT_ID.SEQUENCE: {
        const { tag, tagged, style, anchor } = buildCollection(state, event, "tag:yaml.org,2002:seq");
        const node = {
          kind: "sequence",
          tag,
          tagged,
          style,
          anchor,
          items: []
        };
        state.frames.push({
          kind: "sequence",
          node
        });
        break;
      }
      case EVENT_ID.MAPPING: {
        const { tag, tagged, style, anchor } = buildCollection(state, event, "tag:yaml.org,2002:map");
        const node = {
          kind: "mapping",
          tag,
          tagged,
          style,
          anchor,
          items: []
        };
        state.frames.push({
          kind: "mapping",
          node,
          key: null
        });
        break;
      }
      case EVENT_ID.ALIAS:
        addNode(state, {
          kind: "alias",
          anchor: state.source.slice(event.anchorStart, event.anchorEnd)
        });
        break;
      case EVENT_ID.POP: {
        const frame = state.frames.pop();
        if (frame.kind === "mapping" && frame.key) throw new Error("incomplete mapping pair in event stream");
        if (frame.kind === "document") state.documents.push(frame.doc);
        else addNode(state, frame.node);
        break;
      }
    }
  }
  return state.documents;
}
var NOT_RESOLVED, strTag, NULL_VALUES$1, nullCoreTag, nullJsonTag, NULL_VALUES, nullYaml11Tag, TRUE_VALUES$2, FALSE_VALUES$2, boolCoreTag, TRUE_VALUES$1, FALSE_VALUES$1, boolJsonTag, TRUE_VALUES, FALSE_VALUES, boolYaml11Tag, YAML_INTEGER_IMPLICIT_PATTERN$1, YAML_INTEGER_EXPLICIT_PATTERN$1, intCoreTag, YAML_INTEGER_IMPLICIT_PATTERN, YAML_INTEGER_EXPLICIT_PATTERN, intJsonTag, YAML_INTEGER_PATTERN, intYaml11Tag, YAML_FLOAT_PATTERN$1, YAML_FLOAT_SPECIAL_PATTERN$1, floatCoreTag, YAML_FLOAT_IMPLICIT_PATTERN, YAML_FLOAT_EXPLICIT_PATTERN, floatJsonTag, YAML_FLOAT_PATTERN, YAML_FLOAT_SPECIAL_PATTERN, floatYaml11Tag, mergeTag, BASE64_PATTERN, binaryTag, YAML_DATE_REGEXP, YAML_TIMESTAMP_REGEXP, timestampTag, seqTag, omapTag, pairsTag, mapTag, setTag, Schema, FAILSAFE_SCHEMA, JSON_SCHEMA, CORE_SCHEMA, YAML11_SCHEMA, DUMP_SCHEMA, realMapTag, legacyMapTag, DEFAULT_SNIPPET_OPTIONS, YAMLException, EVENT_ID, SCALAR_STYLE, COLLECTION_STYLE, CHOMPING_MODE, NO_RANGE$3, simpleEscapeCheck, simpleEscapeMap, DEFAULT_TAG_HANDLERS, TAG_SUFFIX_CHARS, TAG_URI_CHARS, HEX, NO_RANGE$2, MERGE_TAG_NAME, DEFAULT_CONSTRUCTOR_OPTIONS, NO_RANGE$1, HAS_OWN, CONTEXT_FLOW_IN, CONTEXT_FLOW_OUT, CONTEXT_BLOCK_IN, CONTEXT_BLOCK_OUT, PATTERN_NON_PRINTABLE, PATTERN_FLOW_INDICATORS, PATTERN_TAG_HANDLE, NS_URI_CHAR, NS_TAG_CHAR, PATTERN_TAG_URI, PATTERN_TAG_SUFFIX, PATTERN_TAG_PREFIX, DEFAULT_PARSER_OPTIONS, DEFAULT_LOAD_OPTIONS, INVALID, VISIT_BREAK, VISIT_SKIP, DEFAULT_SCALAR_STYLE_RULES, SRC_C_PRINTABLE, SRC_B_CHAR, SRC_C_BYTE_ORDER_MARK, SRC_S_WHITE, SRC_NB_CHAR, SRC_NS_CHAR, SRC_NB_JSON, SRC_C_INDICATOR, SRC_C_FLOW_INDICATOR, SRC_NS_PLAIN_SAFE_FLOW_OUT, SRC_NS_PLAIN_SAFE_FLOW_IN, SRC_NS_PLAIN_FIRST_FLOW_OUT, SRC_NS_PLAIN_FIRST_FLOW_IN, SRC_NS_PLAIN_CHAR_FLOW_OUT, SRC_NS_PLAIN_CHAR_FLOW_IN, SRC_NB_NS_PLAIN_IN_LINE_FLOW_OUT, SRC_NB_NS_PLAIN_IN_LINE_FLOW_IN, SRC_NS_PLAIN_ONE_LINE_FLOW_OUT, SRC_NS_PLAIN_ONE_LINE_FLOW_IN, SRC_NS_PLAIN_ONE_LINE_BLOCK_KEY, SRC_NS_PLAIN_ONE_LINE_FLOW_KEY, SRC_S_NS_PLAIN_NEXT_LINE_FLOW_OUT, SRC_S_NS_PLAIN_NEXT_LINE_FLOW_IN, SRC_NS_PLAIN_MULTI_LINE_FLOW_OUT, SRC_NS_PLAIN_MULTI_LINE_FLOW_IN, NS_PLAIN_FLOW_OUT, NS_PLAIN_FLOW_IN, NS_PLAIN_BLOCK_KEY, NS_PLAIN_FLOW_KEY, NB_SINGLE_ONE_LINE, NB_SINGLE_MULTI_LINE, BLOCK_SCALAR_CONTENT, C_FORBIDDEN_FIRST_LINE, C_FORBIDDEN_CONTENT, CHARACTERS_TO_ESCAPE, CHAR_LINE_FEED, DEFAULT_PRESENTER_OPTIONS, DEFAULT_DUMP_OPTIONS, NO_RANGE, EVENT_DOCUMENT, EVENT_SEQUENCE, EVENT_MAPPING, EVENT_SCALAR, EVENT_ALIAS, EVENT_POP, SCALAR_STYLE_PLAIN, SCALAR_STYLE_SINGLE_QUOTED, SCALAR_STYLE_DOUBLE_QUOTED, SCALAR_STYLE_LITERAL_BLOCK, SCALAR_STYLE_FOLDED_BLOCK, COLLECTION_STYLE_BLOCK, COLLECTION_STYLE_FLOW, CHOMPING_CLIP, CHOMPING_STRIP, CHOMPING_KEEP;
var init_js_yaml = __esm({
  "node_modules/js-yaml/dist/js-yaml.mjs"() {
    NOT_RESOLVED = /* @__PURE__ */ Symbol("NOT_RESOLVED");
    __name(defineScalarTag, "defineScalarTag");
    __name(defineSequenceTag, "defineSequenceTag");
    __name(defineMappingTag, "defineMappingTag");
    strTag = defineScalarTag("tag:yaml.org,2002:str", {
      resolve: /* @__PURE__ */ __name((source) => source, "resolve"),
      identify: /* @__PURE__ */ __name((data) => typeof data === "string", "identify")
    });
    NULL_VALUES$1 = [
      "",
      "~",
      "null",
      "Null",
      "NULL"
    ];
    nullCoreTag = defineScalarTag("tag:yaml.org,2002:null", {
      implicit: true,
      implicitFirstChars: [
        "",
        "~",
        "n",
        "N"
      ],
      resolve: /* @__PURE__ */ __name((source) => {
        if (NULL_VALUES$1.indexOf(source) !== -1) return null;
        return NOT_RESOLVED;
      }, "resolve"),
      identify: /* @__PURE__ */ __name((object) => object === null, "identify"),
      represent: /* @__PURE__ */ __name(() => "null", "represent")
    });
    nullJsonTag = defineScalarTag("tag:yaml.org,2002:null", {
      implicit: true,
      implicitFirstChars: ["n"],
      resolve: /* @__PURE__ */ __name((source, isExplicit) => {
        if (source === "null" || isExplicit && source === "") return null;
        return NOT_RESOLVED;
      }, "resolve"),
      identify: /* @__PURE__ */ __name((object) => object === null, "identify"),
      represent: /* @__PURE__ */ __name(() => "null", "represent")
    });
    NULL_VALUES = [
      "",
      "~",
      "null",
      "Null",
      "NULL"
    ];
    nullYaml11Tag = defineScalarTag("tag:yaml.org,2002:null", {
      implicit: true,
      implicitFirstChars: [
        "",
        "~",
        "n",
        "N"
      ],
      resolve: /* @__PURE__ */ __name((source) => {
        if (NULL_VALUES.indexOf(source) !== -1) return null;
        return NOT_RESOLVED;
      }, "resolve"),
      identify: /* @__PURE__ */ __name((object) => object === null, "identify"),
      represent: /* @__PURE__ */ __name(() => "null", "represent")
    });
    TRUE_VALUES$2 = [
      "true",
      "True",
      "TRUE"
    ];
    FALSE_VALUES$2 = [
      "false",
      "False",
      "FALSE"
    ];
    boolCoreTag = defineScalarTag("tag:yaml.org,2002:bool", {
      implicit: true,
      implicitFirstChars: [
        "t",
        "T",
        "f",
        "F"
      ],
      resolve: /* @__PURE__ */ __name((source) => {
        if (TRUE_VALUES$2.indexOf(source) !== -1) return true;
        if (FALSE_VALUES$2.indexOf(source) !== -1) return false;
        return NOT_RESOLVED;
      }, "resolve"),
      identify: /* @__PURE__ */ __name((object) => Object.prototype.toString.call(object) === "[object Boolean]", "identify"),
      represent: /* @__PURE__ */ __name((object) => object ? "true" : "false", "represent")
    });
    TRUE_VALUES$1 = ["true"];
    FALSE_VALUES$1 = ["false"];
    boolJsonTag = defineScalarTag("tag:yaml.org,2002:bool", {
      implicit: true,
      implicitFirstChars: ["t", "f"],
      resolve: /* @__PURE__ */ __name((source) => {
        if (TRUE_VALUES$1.indexOf(source) !== -1) return true;
        if (FALSE_VALUES$1.indexOf(source) !== -1) return false;
        return NOT_RESOLVED;
      }, "resolve"),
      identify: /* @__PURE__ */ __name((object) => Object.prototype.toString.call(object) === "[object Boolean]", "identify"),
      represent: /* @__PURE__ */ __name((object) => object ? "true" : "false", "represent")
    });
    TRUE_VALUES = [
      "true",
      "True",
      "TRUE",
      "y",
      "Y",
      "yes",
      "Yes",
      "YES",
      "on",
      "On",
      "ON"
    ];
    FALSE_VALUES = [
      "false",
      "False",
      "FALSE",
      "n",
      "N",
      "no",
      "No",
      "NO",
      "off",
      "Off",
      "OFF"
    ];
    boolYaml11Tag = defineScalarTag("tag:yaml.org,2002:bool", {
      implicit: true,
      implicitFirstChars: [
        "y",
        "Y",
        "n",
        "N",
        "t",
        "T",
        "f",
        "F",
        "o",
        "O"
      ],
      resolve: /* @__PURE__ */ __name((source) => {
        if (TRUE_VALUES.indexOf(source) !== -1) return true;
        if (FALSE_VALUES.indexOf(source) !== -1) return false;
        return NOT_RESOLVED;
      }, "resolve"),
      identify: /* @__PURE__ */ __name((object) => Object.prototype.toString.call(object) === "[object Boolean]", "identify"),
      represent: /* @__PURE__ */ __name((object) => object ? "true" : "false", "represent")
    });
    YAML_INTEGER_IMPLICIT_PATTERN$1 = /* @__PURE__ */ new RegExp("^(?:0o[0-7]+|0x[0-9a-fA-F]+|[-+]?[0-9]+)$");
    YAML_INTEGER_EXPLICIT_PATTERN$1 = /* @__PURE__ */ new RegExp("^(?:[-+]?0b[0-1]+|[-+]?0o[0-7]+|[-+]?0x[0-9a-fA-F]+|[-+]?[0-9]+)$");
    __name(parseYamlInteger$2, "parseYamlInteger$2");
    __name(resolveYamlInteger$2, "resolveYamlInteger$2");
    intCoreTag = defineScalarTag("tag:yaml.org,2002:int", {
      implicit: true,
      implicitFirstChars: [
        "-",
        "+",
        ..."0123456789"
      ],
      resolve: resolveYamlInteger$2,
      identify: /* @__PURE__ */ __name((object) => Number.isInteger(object) && !Object.is(object, -0) && object.toString(10).indexOf("e") < 0, "identify"),
      represent: /* @__PURE__ */ __name((object) => object.toString(10), "represent")
    });
    YAML_INTEGER_IMPLICIT_PATTERN = /* @__PURE__ */ new RegExp("^-?(?:0|[1-9][0-9]*)$");
    YAML_INTEGER_EXPLICIT_PATTERN = /* @__PURE__ */ new RegExp("^(?:[-+]?0b[0-1]+|[-+]?0o[0-7]+|[-+]?0x[0-9a-fA-F]+|[-+]?[0-9]+)$");
    __name(parseYamlInteger$1, "parseYamlInteger$1");
    __name(resolveYamlInteger$1, "resolveYamlInteger$1");
    intJsonTag = defineScalarTag("tag:yaml.org,2002:int", {
      implicit: true,
      implicitFirstChars: ["-", ..."0123456789"],
      resolve: resolveYamlInteger$1,
      identify: /* @__PURE__ */ __name((object) => Number.isInteger(object) && !Object.is(object, -0) && object.toString(10).indexOf("e") < 0, "identify"),
      represent: /* @__PURE__ */ __name((object) => object.toString(10), "represent")
    });
    YAML_INTEGER_PATTERN = /* @__PURE__ */ new RegExp("^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?0x[0-9a-fA-F_]+|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+|[-+]?(?:0|[1-9][0-9_]*))$");
    __name(parseYamlInteger, "parseYamlInteger");
    __name(resolveYamlInteger, "resolveYamlInteger");
    intYaml11Tag = defineScalarTag("tag:yaml.org,2002:int", {
      implicit: true,
      implicitFirstChars: [
        "-",
        "+",
        ..."0123456789"
      ],
      resolve: resolveYamlInteger,
      identify: /* @__PURE__ */ __name((object) => Number.isInteger(object) && !Object.is(object, -0) && object.toString(10).indexOf("e") < 0, "identify"),
      represent: /* @__PURE__ */ __name((object) => object.toString(10), "represent")
    });
    YAML_FLOAT_PATTERN$1 = /* @__PURE__ */ new RegExp("^(?:[-+]?[0-9]+(?:\\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|[-+]?\\.[0-9]+(?:[eE][-+]?[0-9]+)?|[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN))$");
    YAML_FLOAT_SPECIAL_PATTERN$1 = /* @__PURE__ */ new RegExp("^(?:[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN))$");
    __name(resolveYamlFloat$2, "resolveYamlFloat$2");
    __name(representYamlFloat$2, "representYamlFloat$2");
    floatCoreTag = defineScalarTag("tag:yaml.org,2002:float", {
      implicit: true,
      implicitFirstChars: [
        "-",
        "+",
        ".",
        ..."0123456789"
      ],
      resolve: resolveYamlFloat$2,
      identify: /* @__PURE__ */ __name((object) => typeof object === "number" && (!Number.isInteger(object) || Object.is(object, -0) || object.toString(10).indexOf("e") >= 0), "identify"),
      represent: representYamlFloat$2
    });
    YAML_FLOAT_IMPLICIT_PATTERN = /* @__PURE__ */ new RegExp("^-?(?:0|[1-9][0-9]*)(?:\\.[0-9]*)?(?:[eE][-+]?[0-9]+)?$");
    YAML_FLOAT_EXPLICIT_PATTERN = /* @__PURE__ */ new RegExp("^(?:[-+]?[0-9]+(?:\\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|[-+]?\\.[0-9]+(?:[eE][-+]?[0-9]+)?|[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN))$");
    __name(resolveYamlFloat$1, "resolveYamlFloat$1");
    __name(representYamlFloat$1, "representYamlFloat$1");
    floatJsonTag = defineScalarTag("tag:yaml.org,2002:float", {
      implicit: true,
      implicitFirstChars: ["-", ..."0123456789"],
      resolve: resolveYamlFloat$1,
      identify: /* @__PURE__ */ __name((object) => typeof object === "number" && (!Number.isInteger(object) || Object.is(object, -0) || object.toString(10).indexOf("e") >= 0), "identify"),
      represent: representYamlFloat$1
    });
    YAML_FLOAT_PATTERN = /* @__PURE__ */ new RegExp("^(?:[-+]?(?:(?:[0-9][0-9_]*)?\\.[0-9_]*)(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\\.[0-9_]*|[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN))$");
    YAML_FLOAT_SPECIAL_PATTERN = /* @__PURE__ */ new RegExp("^(?:[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN))$");
    __name(resolveYamlFloat, "resolveYamlFloat");
    __name(representYamlFloat, "representYamlFloat");
    floatYaml11Tag = defineScalarTag("tag:yaml.org,2002:float", {
      implicit: true,
      implicitFirstChars: [
        "-",
        "+",
        ".",
        ..."0123456789"
      ],
      resolve: resolveYamlFloat,
      identify: /* @__PURE__ */ __name((object) => typeof object === "number" && (!Number.isInteger(object) || Object.is(object, -0) || object.toString(10).indexOf("e") >= 0), "identify"),
      represent: representYamlFloat
    });
    mergeTag = defineScalarTag("tag:yaml.org,2002:merge", {
      implicit: true,
      implicitFirstChars: ["<"],
      resolve: /* @__PURE__ */ __name((source, isExplicit) => {
        if (source === "<<" || isExplicit && source === "") return "<<";
        return NOT_RESOLVED;
      }, "resolve"),
      identify: /* @__PURE__ */ __name(() => false, "identify")
    });
    BASE64_PATTERN = /^[A-Za-z0-9+/]*={0,2}$/;
    __name(resolveYamlBinary, "resolveYamlBinary");
    __name(representYamlBinary, "representYamlBinary");
    binaryTag = defineScalarTag("tag:yaml.org,2002:binary", {
      resolve: resolveYamlBinary,
      identify: /* @__PURE__ */ __name((object) => Object.prototype.toString.call(object) === "[object Uint8Array]", "identify"),
      represent: representYamlBinary
    });
    YAML_DATE_REGEXP = /* @__PURE__ */ new RegExp("^([0-9][0-9][0-9][0-9])-([0-9][0-9])-([0-9][0-9])$");
    YAML_TIMESTAMP_REGEXP = /* @__PURE__ */ new RegExp("^([0-9][0-9][0-9][0-9])-([0-9][0-9]?)-([0-9][0-9]?)(?:[Tt]|[ \\t]+)([0-9][0-9]?):([0-9][0-9]):([0-9][0-9])(?:\\.([0-9]*))?(?:[ \\t]*(Z|([-+])([0-9][0-9]?)(?::([0-9][0-9]))?))?$");
    __name(makeUtcDate, "makeUtcDate");
    __name(resolveYamlTimestamp, "resolveYamlTimestamp");
    timestampTag = defineScalarTag("tag:yaml.org,2002:timestamp", {
      implicit: true,
      implicitFirstChars: [..."0123456789"],
      resolve: resolveYamlTimestamp,
      identify: /* @__PURE__ */ __name((object) => object instanceof Date, "identify"),
      represent: /* @__PURE__ */ __name((object) => object.toISOString(), "represent")
    });
    seqTag = defineSequenceTag("tag:yaml.org,2002:seq", {
      create: /* @__PURE__ */ __name(() => [], "create"),
      addItem: /* @__PURE__ */ __name((container, item) => {
        container.push(item);
      }, "addItem"),
      identify: Array.isArray
    });
    __name(isPlainObject, "isPlainObject");
    __name(pick, "pick");
    omapTag = defineSequenceTag("tag:yaml.org,2002:omap", {
      create: /* @__PURE__ */ __name(() => ({
        list: [],
        seen: /* @__PURE__ */ new Set()
      }), "create"),
      addItem: /* @__PURE__ */ __name((carrier, item) => {
        let key;
        if (item instanceof Map) {
          if (item.size !== 1) return "cannot resolve an ordered map item";
          key = item.keys().next().value;
        } else if (isPlainObject(item)) {
          const itemKeys = Object.keys(item);
          if (itemKeys.length !== 1) return "cannot resolve an ordered map item";
          key = itemKeys[0];
        } else return "cannot resolve an ordered map item";
        if (carrier.seen.has(key)) return "duplicate key in ordered map";
        carrier.seen.add(key);
        carrier.list.push(item);
        return "";
      }, "addItem"),
      finalize: /* @__PURE__ */ __name((carrier) => carrier.list, "finalize"),
      identify: /* @__PURE__ */ __name(() => false, "identify")
    });
    pairsTag = defineSequenceTag("tag:yaml.org,2002:pairs", {
      create: /* @__PURE__ */ __name(() => [], "create"),
      addItem: /* @__PURE__ */ __name((container, item) => {
        if (item instanceof Map) {
          if (item.size !== 1) return "cannot resolve a pairs item";
          container.push(item.entries().next().value);
          return "";
        }
        if (Object.prototype.toString.call(item) !== "[object Object]") return "cannot resolve a pairs item";
        const object = item;
        const keys = Object.keys(object);
        if (keys.length !== 1) return "cannot resolve a pairs item";
        container.push([keys[0], object[keys[0]]]);
        return "";
      }, "addItem"),
      identify: /* @__PURE__ */ __name(() => false, "identify")
    });
    mapTag = defineMappingTag("tag:yaml.org,2002:map", {
      create: /* @__PURE__ */ __name(() => ({}), "create"),
      identify: isPlainObject,
      represent: /* @__PURE__ */ __name((o) => {
        const map = /* @__PURE__ */ new Map();
        for (const key of Object.keys(o)) map.set(key, o[key]);
        return map;
      }, "represent"),
      addPair: /* @__PURE__ */ __name((container, key, value) => {
        if (key !== null && typeof key === "object") return "object-based map does not support complex keys";
        const normalizedKey = String(key);
        if (normalizedKey === "__proto__") Object.defineProperty(container, normalizedKey, {
          value,
          enumerable: true,
          configurable: true,
          writable: true
        });
        else container[normalizedKey] = value;
        return "";
      }, "addPair"),
      has: /* @__PURE__ */ __name((container, key) => {
        if (key !== null && typeof key === "object") return false;
        return Object.prototype.hasOwnProperty.call(container, String(key));
      }, "has"),
      keys: /* @__PURE__ */ __name((container) => Object.keys(container), "keys"),
      get: /* @__PURE__ */ __name((container, key) => {
        const normalizedKey = String(key);
        if (!Object.prototype.hasOwnProperty.call(container, normalizedKey)) return null;
        return container[normalizedKey];
      }, "get")
    });
    setTag = defineMappingTag("tag:yaml.org,2002:set", {
      create: /* @__PURE__ */ __name(() => /* @__PURE__ */ new Set(), "create"),
      identify: /* @__PURE__ */ __name((data) => data instanceof Set, "identify"),
      represent: /* @__PURE__ */ __name((data) => {
        const map = /* @__PURE__ */ new Map();
        for (const key of data) map.set(key, null);
        return map;
      }, "represent"),
      addPair: /* @__PURE__ */ __name((container, key, value) => {
        if (value !== null) return "cannot resolve a set item";
        container.add(key);
        return "";
      }, "addPair"),
      has: /* @__PURE__ */ __name((container, key) => container.has(key), "has"),
      keys: /* @__PURE__ */ __name((container) => container.keys(), "keys"),
      get: /* @__PURE__ */ __name(() => null, "get")
    });
    __name(createTagDefinitionMap, "createTagDefinitionMap");
    __name(createTagDefinitionListMap, "createTagDefinitionListMap");
    __name(compileTags, "compileTags");
    Schema = class Schema2 {
      static {
        __name(this, "Schema");
      }
      tags;
      /** @internal */
      implicitScalarTags;
      /**
      * Dispatch implicit scalar resolvers by `source.charAt(0)`. Each bucket holds
      * the resolvers that may match that key, in schema order; a key absent from
      * the map uses
      * {@link Schema.implicitScalarAnyFirstChar}
      * (resolvers that declared no first-char constraint, so they apply to any
      * first character).
      */
      implicitScalarByFirstChar;
      implicitScalarAnyFirstChar;
      /**
      * The default scalar tag (`!!str`), resolved once so the composer's fallback
      * for unresolved plain scalars avoids a keyed lookup per scalar.
      *
      * @internal
      */
      defaultScalarTag;
      /**
      * The default container tags (`!!seq` / `!!map`), used by the dumper: when a
      * value is identified by its default tag, the tag is implicit and not
      * printed. Undefined if the schema does not define them (then such values
      * can't be dumped).
      *
      * @internal
      */
      defaultSequenceTag;
      /** @internal */
      defaultMappingTag;
      exact;
      prefix;
      constructor(tags) {
        const compiledTags = compileTags(tags);
        const implicitScalarTags = [];
        const exact = createTagDefinitionMap();
        const prefix = createTagDefinitionListMap();
        for (const tag of compiledTags) {
          if (tag.nodeKind === "scalar" && tag.implicit) {
            if (tag.matchByTagPrefix) throw new Error("Implicit scalar tags cannot match by tag prefix");
            implicitScalarTags.push(tag);
          }
          switch (tag.nodeKind) {
            case "scalar":
              if (tag.matchByTagPrefix) prefix.scalar.push(tag);
              else exact.scalar[tag.tagName] = tag;
              break;
            case "sequence":
              if (tag.matchByTagPrefix) prefix.sequence.push(tag);
              else exact.sequence[tag.tagName] = tag;
              break;
            case "mapping":
              if (tag.matchByTagPrefix) prefix.mapping.push(tag);
              else exact.mapping[tag.tagName] = tag;
          }
        }
        const implicitScalarAnyFirstChar = implicitScalarTags.filter((tag) => tag.implicitFirstChars === null);
        const keys = /* @__PURE__ */ new Set();
        for (const tag of implicitScalarTags) if (tag.implicitFirstChars !== null) for (const key of tag.implicitFirstChars) keys.add(key);
        const implicitScalarByFirstChar = /* @__PURE__ */ new Map();
        for (const key of keys) implicitScalarByFirstChar.set(key, implicitScalarTags.filter((tag) => tag.implicitFirstChars === null || tag.implicitFirstChars.indexOf(key) !== -1));
        const defaultScalarTag = exact.scalar["tag:yaml.org,2002:str"];
        if (!defaultScalarTag) throw new Error("schema does not define the default scalar tag (tag:yaml.org,2002:str)");
        this.tags = compiledTags;
        this.implicitScalarTags = implicitScalarTags;
        this.implicitScalarByFirstChar = implicitScalarByFirstChar;
        this.implicitScalarAnyFirstChar = implicitScalarAnyFirstChar;
        this.defaultScalarTag = defaultScalarTag;
        this.defaultSequenceTag = exact.sequence["tag:yaml.org,2002:seq"];
        this.defaultMappingTag = exact.mapping["tag:yaml.org,2002:map"];
        this.exact = exact;
        this.prefix = prefix;
      }
      /** @internal */
      lookupScalarTag(tagName) {
        const exactTag = this.exact.scalar[tagName];
        if (exactTag) return exactTag;
        for (const tag of this.prefix.scalar) if (tagName.startsWith(tag.tagName)) return tag;
      }
      /** @internal */
      lookupSequenceTag(tagName) {
        const exactTag = this.exact.sequence[tagName];
        if (exactTag) return exactTag;
        for (const tag of this.prefix.sequence) if (tagName.startsWith(tag.tagName)) return tag;
      }
      /** @internal */
      lookupMappingTag(tagName) {
        const exactTag = this.exact.mapping[tagName];
        if (exactTag) return exactTag;
        for (const tag of this.prefix.mapping) if (tagName.startsWith(tag.tagName)) return tag;
      }
      /** @internal */
      resolveImplicitScalarTag(source) {
        const candidates = this.implicitScalarByFirstChar.get(source.charAt(0)) ?? this.implicitScalarAnyFirstChar;
        for (const tag2 of candidates) {
          const value = tag2.resolve(source, false, tag2.tagName);
          if (value !== NOT_RESOLVED) return {
            value,
            tag: tag2
          };
        }
        const tag = this.defaultScalarTag;
        return {
          value: tag.resolve(source, false, tag.tagName),
          tag
        };
      }
      /**
      * Creates a new schema with the specified tags added. If a tag already
      * exists, it is replaced by the specified tag.
      *
      * @example
      *
      * ```javascript
      * import { CORE_SCHEMA, mergeTag, realMapTag } from 'js-yaml'
      *
      * const schema = CORE_SCHEMA.withTags(mergeTag, realMapTag)
      * ```
      */
      withTags(...tags) {
        let flatTags = [];
        for (const tag of tags) flatTags = flatTags.concat(tag);
        return new Schema2([...this.tags, ...flatTags]);
      }
    };
    FAILSAFE_SCHEMA = new Schema([
      strTag,
      seqTag,
      mapTag
    ]);
    JSON_SCHEMA = new Schema([
      ...FAILSAFE_SCHEMA.tags,
      nullJsonTag,
      boolJsonTag,
      intJsonTag,
      floatJsonTag
    ]);
    CORE_SCHEMA = new Schema([
      ...FAILSAFE_SCHEMA.tags,
      nullCoreTag,
      boolCoreTag,
      intCoreTag,
      floatCoreTag
    ]);
    YAML11_SCHEMA = new Schema([
      ...FAILSAFE_SCHEMA.tags,
      nullYaml11Tag,
      boolYaml11Tag,
      intYaml11Tag,
      floatYaml11Tag,
      timestampTag,
      mergeTag,
      binaryTag,
      omapTag,
      pairsTag,
      setTag
    ]);
    DUMP_SCHEMA = YAML11_SCHEMA.withTags({
      ...intYaml11Tag,
      resolve: /* @__PURE__ */ __name((source, isExplicit, tagName) => {
        const result = intYaml11Tag.resolve(source, isExplicit, tagName);
        return result === NOT_RESOLVED ? intCoreTag.resolve(source, isExplicit, tagName) : result;
      }, "resolve")
    }, {
      ...floatYaml11Tag,
      resolve: /* @__PURE__ */ __name((source, isExplicit, tagName) => {
        const result = floatYaml11Tag.resolve(source, isExplicit, tagName);
        return result === NOT_RESOLVED ? floatCoreTag.resolve(source, isExplicit, tagName) : result;
      }, "resolve")
    });
    realMapTag = defineMappingTag("tag:yaml.org,2002:map", {
      create: /* @__PURE__ */ __name(() => /* @__PURE__ */ new Map(), "create"),
      addPair: /* @__PURE__ */ __name((container, key, value) => {
        container.set(key, value);
        return "";
      }, "addPair"),
      has: /* @__PURE__ */ __name((container, key) => container.has(key), "has"),
      keys: /* @__PURE__ */ __name((container) => container.keys(), "keys"),
      get: /* @__PURE__ */ __name((container, key) => container.get(key), "get"),
      identify: /* @__PURE__ */ __name((data) => data instanceof Map || isPlainObject(data), "identify"),
      represent: /* @__PURE__ */ __name((data) => {
        if (data instanceof Map) return data;
        const map = /* @__PURE__ */ new Map();
        const obj = data;
        for (const key of Object.keys(obj)) map.set(key, obj[key]);
        return map;
      }, "represent")
    });
    __name(normalizeKey, "normalizeKey");
    legacyMapTag = defineMappingTag("tag:yaml.org,2002:map", {
      create: /* @__PURE__ */ __name(() => ({}), "create"),
      identify: isPlainObject,
      represent: /* @__PURE__ */ __name((o) => {
        const map = /* @__PURE__ */ new Map();
        for (const key of Object.keys(o)) map.set(key, o[key]);
        return map;
      }, "represent"),
      addPair: /* @__PURE__ */ __name((container, key, value) => {
        const normalizedKey = normalizeKey(key);
        if (normalizedKey === null) return "nested arrays are not supported inside keys";
        if (normalizedKey === "__proto__") Object.defineProperty(container, normalizedKey, {
          value,
          enumerable: true,
          configurable: true,
          writable: true
        });
        else container[normalizedKey] = value;
        return "";
      }, "addPair"),
      has: /* @__PURE__ */ __name((container, key) => {
        const normalizedKey = normalizeKey(key);
        return normalizedKey !== null && Object.prototype.hasOwnProperty.call(container, normalizedKey);
      }, "has"),
      keys: /* @__PURE__ */ __name((container) => Object.keys(container), "keys"),
      get: /* @__PURE__ */ __name((container, key) => {
        const normalizedKey = String(key);
        if (!Object.prototype.hasOwnProperty.call(container, normalizedKey)) return null;
        return container[normalizedKey];
      }, "get")
    });
    DEFAULT_SNIPPET_OPTIONS = {
      maxLength: 79,
      indent: 1,
      linesBefore: 3,
      linesAfter: 2
    };
    __name(getLine, "getLine");
    __name(padStart, "padStart");
    __name(makeSnippet, "makeSnippet");
    __name(formatError, "formatError");
    YAMLException = class YAMLException2 extends Error {
      static {
        __name(this, "YAMLException");
      }
      reason;
      mark;
      /**
      * Optional `mark` contains source snippet data. Usually, use
      * {@link YAMLException.throwAt} instead of passing it directly.
      */
      constructor(reason, mark) {
        super();
        this.name = "YAMLException";
        this.reason = reason;
        this.mark = mark;
        this.message = formatError(this, false);
        if (Error.captureStackTrace) Error.captureStackTrace(this, this.constructor);
      }
      /**
      * Returns the formatted error, omitting the source snippet in compact mode.
      */
      toString(compact) {
        return `${this.name}: ${formatError(this, compact)}`;
      }
      /**
      * Builds a YAMLException with a source snippet and throws it. `source` is
      * the raw input text; `position` is an offset into it.
      */
      static throwAt(source, position, message, filename = "") {
        let line = 0;
        let lineStart = 0;
        for (let index = 0; index < position; index++) {
          const ch = source.charCodeAt(index);
          if (ch === 10) {
            line++;
            lineStart = index + 1;
          } else if (ch === 13) {
            line++;
            if (source.charCodeAt(index + 1) === 10) index++;
            lineStart = index + 1;
          }
        }
        const mark = {
          name: filename,
          buffer: source,
          position,
          line,
          column: position - lineStart
        };
        mark.snippet = makeSnippet(mark);
        throw new YAMLException2(message, mark);
      }
    };
    EVENT_ID = {
      DOCUMENT: 1,
      SEQUENCE: 2,
      MAPPING: 3,
      SCALAR: 4,
      ALIAS: 5,
      POP: 6
    };
    SCALAR_STYLE = {
      PLAIN: 1,
      SINGLE_QUOTED: 2,
      DOUBLE_QUOTED: 3,
      LITERAL_BLOCK: 4,
      FOLDED_BLOCK: 5
    };
    COLLECTION_STYLE = {
      BLOCK: 1,
      FLOW: 2
    };
    CHOMPING_MODE = {
      CLIP: 1,
      STRIP: 2,
      KEEP: 3
    };
    NO_RANGE$3 = -1;
    __name(simpleEscapeSequence, "simpleEscapeSequence");
    simpleEscapeCheck = new Array(256);
    simpleEscapeMap = new Array(256);
    for (let i = 0; i < 256; i++) {
      simpleEscapeCheck[i] = simpleEscapeSequence(i) ? 1 : 0;
      simpleEscapeMap[i] = simpleEscapeSequence(i);
    }
    __name(charFromCodepoint, "charFromCodepoint");
    __name(fromHexCode$1, "fromHexCode$1");
    __name(escapedHexLen$1, "escapedHexLen$1");
    __name(skipFoldedBreaks, "skipFoldedBreaks");
    __name(foldedBreaks, "foldedBreaks");
    __name(getPlainValue, "getPlainValue");
    __name(getSingleQuotedValue, "getSingleQuotedValue");
    __name(getDoubleQuotedValue, "getDoubleQuotedValue");
    __name(getBlockValue, "getBlockValue");
    __name(getScalarValue, "getScalarValue");
    DEFAULT_TAG_HANDLERS = Object.assign(/* @__PURE__ */ Object.create(null), {
      "!": "!",
      "!!": "tag:yaml.org,2002:"
    });
    TAG_SUFFIX_CHARS = "-#;/?:@&=+$_.~*'()";
    TAG_URI_CHARS = TAG_SUFFIX_CHARS + "!,[]";
    HEX = "0123456789ABCDEF";
    __name(percentByte, "percentByte");
    __name(tagPercentEncode, "tagPercentEncode");
    __name(tagPercentDecode, "tagPercentDecode");
    __name(tagNameFull, "tagNameFull");
    __name(tagNameShort, "tagNameShort");
    NO_RANGE$2 = -1;
    MERGE_TAG_NAME = "tag:yaml.org,2002:merge";
    DEFAULT_CONSTRUCTOR_OPTIONS = {
      filename: "",
      schema: CORE_SCHEMA,
      json: false,
      maxTotalMergeKeys: 1e4,
      maxAliases: -1
    };
    __name(eventPosition$1, "eventPosition$1");
    __name(throwError$1, "throwError$1");
    __name(finalizeCollection, "finalizeCollection");
    __name(constructScalar, "constructScalar");
    __name(collectionTagName, "collectionTagName");
    __name(isMappingTag, "isMappingTag");
    __name(chargeMergeWork, "chargeMergeWork");
    __name(mergeKeys, "mergeKeys");
    __name(mergeSource, "mergeSource");
    __name(addMappingValue, "addMappingValue");
    __name(addValue, "addValue");
    __name(storeAnchor, "storeAnchor");
    __name(constructFromEvents, "constructFromEvents");
    NO_RANGE$1 = -1;
    HAS_OWN = Object.prototype.hasOwnProperty;
    CONTEXT_FLOW_IN = 1;
    CONTEXT_FLOW_OUT = 2;
    CONTEXT_BLOCK_IN = 3;
    CONTEXT_BLOCK_OUT = 4;
    PATTERN_NON_PRINTABLE = /[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x84\x86-\x9F\uFFFE\uFFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?:[^\uD800-\uDBFF]|^)[\uDC00-\uDFFF]/;
    PATTERN_FLOW_INDICATORS = /[,\[\]{}]/;
    PATTERN_TAG_HANDLE = /^(?:!|!!|![0-9A-Za-z-]+!)$/;
    NS_URI_CHAR = String.raw`(?:%[0-9A-Fa-f]{2}|[0-9A-Za-z\-#;/?:@&=+$,_.!~*'()\[\]])`;
    NS_TAG_CHAR = String.raw`(?:%[0-9A-Fa-f]{2}|[0-9A-Za-z\-#;/?:@&=+$.~*'()_])`;
    PATTERN_TAG_URI = new RegExp(`^(?:${NS_URI_CHAR})*$`);
    PATTERN_TAG_SUFFIX = new RegExp(`^(?:${NS_TAG_CHAR})+$`);
    PATTERN_TAG_PREFIX = new RegExp(`^(?:!(?:${NS_URI_CHAR})*|${NS_TAG_CHAR}(?:${NS_URI_CHAR})*)$`);
    DEFAULT_PARSER_OPTIONS = {
      filename: "",
      maxDepth: 100
    };
    __name(addDocumentEvent, "addDocumentEvent");
    __name(addSequenceEvent, "addSequenceEvent");
    __name(addMappingEvent, "addMappingEvent");
    __name(insertFlowPairMappingEvent, "insertFlowPairMappingEvent");
    __name(addScalarEvent, "addScalarEvent");
    __name(addAliasEvent, "addAliasEvent");
    __name(addPopEvent, "addPopEvent");
    __name(addEmptyScalarEvent, "addEmptyScalarEvent");
    __name(emptyProperties, "emptyProperties");
    __name(snapshotState, "snapshotState");
    __name(restoreState, "restoreState");
    __name(throwError, "throwError");
    __name(isEol, "isEol");
    __name(isWhiteSpace, "isWhiteSpace");
    __name(isWsOrEol, "isWsOrEol");
    __name(isWsOrEolOrEnd, "isWsOrEolOrEnd");
    __name(isFlowIndicator, "isFlowIndicator");
    __name(fromDecimalCode, "fromDecimalCode");
    __name(fromHexCode, "fromHexCode");
    __name(escapedHexLen, "escapedHexLen");
    __name(isSimpleEscape, "isSimpleEscape");
    __name(consumeLineBreak, "consumeLineBreak");
    __name(skipSeparationSpace, "skipSeparationSpace");
    __name(testDocumentSeparator, "testDocumentSeparator");
    __name(skipByteOrderMark, "skipByteOrderMark");
    __name(testDocumentBoundary, "testDocumentBoundary");
    __name(skipUntilLineEnd, "skipUntilLineEnd");
    __name(checkPrintable, "checkPrintable");
    __name(readTagProperty, "readTagProperty");
    __name(readAnchorProperty, "readAnchorProperty");
    __name(readAlias, "readAlias");
    __name(readFlowScalarBreak, "readFlowScalarBreak");
    __name(readSingleQuotedScalar, "readSingleQuotedScalar");
    __name(readDoubleQuotedScalar, "readDoubleQuotedScalar");
    __name(readBlockScalar, "readBlockScalar");
    __name(canStartPlainScalar, "canStartPlainScalar");
    __name(readPlainScalar, "readPlainScalar");
    __name(skipFlowSeparationSpace, "skipFlowSeparationSpace");
    __name(readFlowCollection, "readFlowCollection");
    __name(readBlockSequence, "readBlockSequence");
    __name(readBlockMapping, "readBlockMapping");
    __name(parseNode, "parseNode");
    __name(readDirective, "readDirective");
    __name(readDocument, "readDocument");
    __name(parseEvents, "parseEvents");
    DEFAULT_LOAD_OPTIONS = {
      ...DEFAULT_PARSER_OPTIONS,
      ...DEFAULT_CONSTRUCTOR_OPTIONS
    };
    __name(loadDocuments, "loadDocuments");
    __name(loadAll, "loadAll");
    __name(load, "load");
    INVALID = /* @__PURE__ */ Symbol("INVALID");
    __name(buildRepresentTypes, "buildRepresentTypes");
    __name(matchTag, "matchTag");
    __name(build, "build");
    __name(jsToAst, "jsToAst");
    VISIT_BREAK = /* @__PURE__ */ Symbol("visit:break");
    VISIT_SKIP = /* @__PURE__ */ Symbol("visit:skip");
    __name(visitNode, "visitNode");
    __name(visit, "visit");
    __name(hasBit, "hasBit");
    DEFAULT_SCALAR_STYLE_RULES = {
      applyQuoteFlowKeysOption,
      doubleQuoteForInvisibles,
      doubleQuoteWhitespaceOnly,
      applyForceQuotesOption,
      tryLongOrMultilineAsBlock,
      quoteInvalidPlain,
      fallbackToDoubleQuoted
    };
    __name(_preferredQuotedStyle, "_preferredQuotedStyle");
    __name(applyQuoteFlowKeysOption, "applyQuoteFlowKeysOption");
    __name(doubleQuoteForInvisibles, "doubleQuoteForInvisibles");
    __name(doubleQuoteWhitespaceOnly, "doubleQuoteWhitespaceOnly");
    __name(applyForceQuotesOption, "applyForceQuotesOption");
    __name(tryLongOrMultilineAsBlock, "tryLongOrMultilineAsBlock");
    __name(quoteInvalidPlain, "quoteInvalidPlain");
    __name(fallbackToDoubleQuoted, "fallbackToDoubleQuoted");
    __name(setBit, "setBit");
    SRC_C_PRINTABLE = "[\\x09\\x0A\\x0D\\x20-\\x7E\\x85\\xA0-\\uD7FF\\uE000-\\uFFFD\\u{10000}-\\u{10FFFF}]";
    SRC_B_CHAR = "[\\n\\r]";
    SRC_C_BYTE_ORDER_MARK = "\\uFEFF";
    SRC_S_WHITE = "[ \\t]";
    SRC_NB_CHAR = `(?:(?!(?:${SRC_B_CHAR}|${SRC_C_BYTE_ORDER_MARK}))${SRC_C_PRINTABLE})`;
    SRC_NS_CHAR = `(?:(?!${SRC_S_WHITE})${SRC_NB_CHAR})`;
    SRC_NB_JSON = "[\\x09\\x20-\\uD7FF\\uE000-\\uFFFF\\u{10000}-\\u{10FFFF}]";
    SRC_C_INDICATOR = "[-?:,\\[\\]{}#&*!|>'\"%@`]";
    SRC_C_FLOW_INDICATOR = "[,\\[\\]{}]";
    SRC_NS_PLAIN_SAFE_FLOW_OUT = SRC_NS_CHAR;
    SRC_NS_PLAIN_SAFE_FLOW_IN = `(?:(?!${SRC_C_FLOW_INDICATOR})${SRC_NS_CHAR})`;
    SRC_NS_PLAIN_FIRST_FLOW_OUT = `(?:(?:(?!${SRC_C_INDICATOR})${SRC_NS_CHAR})|[?:-](?=${SRC_NS_PLAIN_SAFE_FLOW_OUT}))`;
    SRC_NS_PLAIN_FIRST_FLOW_IN = `(?:(?:(?!${SRC_C_INDICATOR})${SRC_NS_CHAR})|[?:-](?=${SRC_NS_PLAIN_SAFE_FLOW_IN}))`;
    SRC_NS_PLAIN_CHAR_FLOW_OUT = `(?:(?:(?![:#])${SRC_NS_PLAIN_SAFE_FLOW_OUT})|:(?=${SRC_NS_PLAIN_SAFE_FLOW_OUT}))#*`;
    SRC_NS_PLAIN_CHAR_FLOW_IN = `(?:(?:(?![:#])${SRC_NS_PLAIN_SAFE_FLOW_IN})|:(?=${SRC_NS_PLAIN_SAFE_FLOW_IN}))#*`;
    SRC_NB_NS_PLAIN_IN_LINE_FLOW_OUT = `(?:${SRC_S_WHITE}*${SRC_NS_PLAIN_CHAR_FLOW_OUT})*`;
    SRC_NB_NS_PLAIN_IN_LINE_FLOW_IN = `(?:${SRC_S_WHITE}*${SRC_NS_PLAIN_CHAR_FLOW_IN})*`;
    SRC_NS_PLAIN_ONE_LINE_FLOW_OUT = `${SRC_NS_PLAIN_FIRST_FLOW_OUT}#*${SRC_NB_NS_PLAIN_IN_LINE_FLOW_OUT}`;
    SRC_NS_PLAIN_ONE_LINE_FLOW_IN = `${SRC_NS_PLAIN_FIRST_FLOW_IN}#*${SRC_NB_NS_PLAIN_IN_LINE_FLOW_IN}`;
    SRC_NS_PLAIN_ONE_LINE_BLOCK_KEY = SRC_NS_PLAIN_ONE_LINE_FLOW_OUT;
    SRC_NS_PLAIN_ONE_LINE_FLOW_KEY = SRC_NS_PLAIN_ONE_LINE_FLOW_IN;
    SRC_S_NS_PLAIN_NEXT_LINE_FLOW_OUT = `\\n+${SRC_NS_PLAIN_CHAR_FLOW_OUT}${SRC_NB_NS_PLAIN_IN_LINE_FLOW_OUT}`;
    SRC_S_NS_PLAIN_NEXT_LINE_FLOW_IN = `\\n+${SRC_NS_PLAIN_CHAR_FLOW_IN}${SRC_NB_NS_PLAIN_IN_LINE_FLOW_IN}`;
    SRC_NS_PLAIN_MULTI_LINE_FLOW_OUT = `${SRC_NS_PLAIN_ONE_LINE_FLOW_OUT}(?:${SRC_S_NS_PLAIN_NEXT_LINE_FLOW_OUT})*`;
    SRC_NS_PLAIN_MULTI_LINE_FLOW_IN = `${SRC_NS_PLAIN_ONE_LINE_FLOW_IN}(?:${SRC_S_NS_PLAIN_NEXT_LINE_FLOW_IN})*`;
    NS_PLAIN_FLOW_OUT = new RegExp(`^(?:${SRC_NS_PLAIN_MULTI_LINE_FLOW_OUT})$`, "u");
    NS_PLAIN_FLOW_IN = new RegExp(`^(?:${SRC_NS_PLAIN_MULTI_LINE_FLOW_IN})$`, "u");
    NS_PLAIN_BLOCK_KEY = new RegExp(`^(?:${SRC_NS_PLAIN_ONE_LINE_BLOCK_KEY})$`, "u");
    NS_PLAIN_FLOW_KEY = new RegExp(`^(?:${SRC_NS_PLAIN_ONE_LINE_FLOW_KEY})$`, "u");
    NB_SINGLE_ONE_LINE = new RegExp(`^(?:${SRC_NB_JSON})*$`, "u");
    NB_SINGLE_MULTI_LINE = new RegExp(`^(?:${SRC_NB_JSON}|\\n)*$`, "u");
    BLOCK_SCALAR_CONTENT = new RegExp(`^(?:${SRC_NB_CHAR}|\\n)*$`, "u");
    C_FORBIDDEN_FIRST_LINE = /^(?:---|\.\.\.)(?=$|[ \t\n\r])/;
    C_FORBIDDEN_CONTENT = /^(?:---|\.\.\.)(?=$|[ \t\n\r])/m;
    __name(canUsePlain, "canUsePlain");
    __name(canUseSingleQuoted, "canUseSingleQuoted");
    __name(canUseBlock, "canUseBlock");
    __name(detectAllowedStyles, "detectAllowedStyles");
    __name(renderScalar, "renderScalar");
    __name(renderPlain, "renderPlain");
    __name(renderSingleQuoted, "renderSingleQuoted");
    __name(renderLiteralBlock, "renderLiteralBlock");
    __name(renderFoldedBlock, "renderFoldedBlock");
    __name(renderDoubleQuoted, "renderDoubleQuoted");
    __name(encodeFlowBreaks, "encodeFlowBreaks");
    __name(indentString, "indentString");
    __name(needIndentIndicator, "needIndentIndicator");
    __name(blockHeader, "blockHeader");
    __name(dropEndingNewline, "dropEndingNewline");
    __name(isMoreIndented, "isMoreIndented");
    __name(foldLine, "foldLine");
    __name(foldBlockScalar, "foldBlockScalar");
    CHARACTERS_TO_ESCAPE = /["\\\x00-\x1F\x7F-\xA0\u2028\u2029\uD800-\uDFFF\uFEFF\uFFFE\uFFFF]/gu;
    __name(escapeCharacter, "escapeCharacter");
    __name(escapeString, "escapeString");
    CHAR_LINE_FEED = 10;
    DEFAULT_PRESENTER_OPTIONS = {
      indent: 2,
      seqNoIndent: false,
      seqInlineFirst: true,
      lineWidth: 80,
      flowBracketPadding: false,
      flowSkipCommaSpace: false,
      flowSkipColonSpace: false,
      quoteFlowKeys: false,
      quoteStyle: "single",
      forceQuotes: false,
      scalarStyleRules: Object.keys(DEFAULT_SCALAR_STYLE_RULES).map((name) => Reflect.get(DEFAULT_SCALAR_STYLE_RULES, name)),
      tagBeforeAnchor: false
    };
    __name(nodeTagShort, "nodeTagShort");
    __name(createPresenterState, "createPresenterState");
    __name(generateNextLine, "generateNextLine");
    __name(scalarLayout, "scalarLayout");
    __name(writeFlowSequence, "writeFlowSequence");
    __name(writeBlockSequence, "writeBlockSequence");
    __name(writeFlowMapping, "writeFlowMapping");
    __name(writeBlockMapping, "writeBlockMapping");
    __name(cannotBeCompact, "cannotBeCompact");
    __name(writeNode, "writeNode");
    __name(rootStartsOwnLine, "rootStartsOwnLine");
    __name(writeDocumentDirectives, "writeDocumentDirectives");
    __name(present, "present");
    DEFAULT_DUMP_OPTIONS = {
      ...DEFAULT_PRESENTER_OPTIONS,
      schema: DUMP_SCHEMA,
      skipInvalid: false,
      noRefs: false,
      flowLevel: -1,
      sortKeys: false,
      transform: /* @__PURE__ */ __name(() => {
      }, "transform")
    };
    __name(defaultCompareFn, "defaultCompareFn");
    __name(dump, "dump");
    NO_RANGE = -1;
    __name(eventPosition, "eventPosition");
    __name(rawTag, "rawTag");
    __name(anchorName, "anchorName");
    __name(buildScalar, "buildScalar");
    __name(buildCollection, "buildCollection");
    __name(addNode, "addNode");
    __name(eventsToAst, "eventsToAst");
    EVENT_DOCUMENT = EVENT_ID.DOCUMENT;
    EVENT_SEQUENCE = EVENT_ID.SEQUENCE;
    EVENT_MAPPING = EVENT_ID.MAPPING;
    EVENT_SCALAR = EVENT_ID.SCALAR;
    EVENT_ALIAS = EVENT_ID.ALIAS;
    EVENT_POP = EVENT_ID.POP;
    SCALAR_STYLE_PLAIN = SCALAR_STYLE.PLAIN;
    SCALAR_STYLE_SINGLE_QUOTED = SCALAR_STYLE.SINGLE_QUOTED;
    SCALAR_STYLE_DOUBLE_QUOTED = SCALAR_STYLE.DOUBLE_QUOTED;
    SCALAR_STYLE_LITERAL_BLOCK = SCALAR_STYLE.LITERAL_BLOCK;
    SCALAR_STYLE_FOLDED_BLOCK = SCALAR_STYLE.FOLDED_BLOCK;
    COLLECTION_STYLE_BLOCK = COLLECTION_STYLE.BLOCK;
    COLLECTION_STYLE_FLOW = COLLECTION_STYLE.FLOW;
    CHOMPING_CLIP = CHOMPING_MODE.CLIP;
    CHOMPING_STRIP = CHOMPING_MODE.STRIP;
    CHOMPING_KEEP = CHOMPING_MODE.KEEP;
  }
});

// stand-in:undici
function Agent() {
  throw new Error("undici is not part of this bundle");
}
function ProxyAgent() {
  throw new Error("undici is not part of this bundle");
}
var init_undici = __esm({
  "stand-in:undici"() {
    __name(Agent, "Agent");
    __name(ProxyAgent, "ProxyAgent");
  }
});

// stand-in:jsonpath-plus
function JSONPath() {
  throw new Error("jsonpath-plus is not part of this bundle");
}
var init_jsonpath_plus = __esm({
  "stand-in:jsonpath-plus"() {
    __name(JSONPath, "JSONPath");
  }
});

// node_modules/@kubernetes/client-node/dist/azure_auth.js
var import_node_child_process, AzureAuth;
var init_azure_auth = __esm({
  "node_modules/@kubernetes/client-node/dist/azure_auth.js"() {
    import_node_child_process = __toESM(__nccwpck_require__(421), 1);
    init_jsonpath_plus();
    AzureAuth = class {
      static {
        __name(this, "AzureAuth");
      }
      isAuthProvider(user) {
        if (!user || !user.authProvider) {
          return false;
        }
        return user.authProvider.name === "azure";
      }
      async applyAuthentication(user, opts) {
        const token = this.getToken(user);
        if (token) {
          opts.headers["Authorization"] = `Bearer ${token}`;
        }
      }
      getToken(user) {
        const config = user.authProvider.config;
        if (this.isExpired(config)) {
          this.updateAccessToken(config);
        }
        return config["access-token"];
      }
      isExpired(config) {
        const token = config["access-token"];
        const expiry = config.expiry;
        const expiresOn = config["expires-on"];
        if (!token) {
          return true;
        }
        if (!expiry && !expiresOn) {
          return false;
        }
        const expiresOnDate = expiresOn ? new Date(parseInt(expiresOn, 10) * 1e3) : void 0;
        const expiration = expiry ? Date.parse(expiry) : expiresOnDate.getTime();
        if (expiration < Date.now()) {
          return true;
        }
        return false;
      }
      updateAccessToken(config) {
        let cmd = config["cmd-path"];
        if (!cmd) {
          throw new Error("Token is expired!");
        }
        cmd = `"${cmd}"`;
        const args = config["cmd-args"];
        if (args) {
          cmd = cmd + " " + args;
        }
        let output;
        try {
          output = import_node_child_process.default.execSync(cmd);
        } catch (err) {
          throw new Error("Failed to refresh token: " + err, { cause: err });
        }
        const resultObj = JSON.parse(output);
        const tokenPathKeyInConfig = config["token-key"];
        const expiryPathKeyInConfig = config["expiry-key"];
        const tokenPathKey = "$" + tokenPathKeyInConfig.slice(1, -1);
        const expiryPathKey = "$" + expiryPathKeyInConfig.slice(1, -1);
        config["access-token"] = JSONPath({ path: tokenPathKey, json: resultObj });
        config.expiry = JSONPath({ path: expiryPathKey, json: resultObj });
      }
    };
  }
});

// node_modules/@kubernetes/client-node/dist/config_types.js
function defaultNewConfigOptions() {
  return {
    onInvalidEntry: ActionOnInvalid.THROW
  };
}
function newClusters(a, opts) {
  if (!Array.isArray(a)) {
    return [];
  }
  const options = Object.assign(defaultNewConfigOptions(), opts || {});
  return a.map(clusterIterator(options.onInvalidEntry)).filter(Boolean);
}
function exportCluster(cluster) {
  return {
    name: cluster.name,
    cluster: {
      server: cluster.server,
      "certificate-authority-data": cluster.caData,
      "certificate-authority": cluster.caFile,
      "insecure-skip-tls-verify": cluster.skipTLSVerify,
      "tls-server-name": cluster.tlsServerName,
      "proxy-url": cluster.proxyUrl
    }
  };
}
function clusterIterator(onInvalidEntry) {
  return (elt, i, list) => {
    try {
      if (!elt.name) {
        throw new Error(`clusters[${i}].name is missing`);
      }
      if (!elt.cluster) {
        throw new Error(`clusters[${i}].cluster is missing`);
      }
      if (!elt.cluster.server) {
        throw new Error(`clusters[${i}].cluster.server is missing`);
      }
      return {
        caData: elt.cluster["certificate-authority-data"],
        caFile: elt.cluster["certificate-authority"],
        name: elt.name,
        server: elt.cluster.server.replace(/\/$/, ""),
        skipTLSVerify: elt.cluster["insecure-skip-tls-verify"] === true,
        tlsServerName: elt.cluster["tls-server-name"],
        proxyUrl: elt.cluster["proxy-url"]
      };
    } catch (err) {
      switch (onInvalidEntry) {
        case ActionOnInvalid.FILTER:
          return null;
        default:
        case ActionOnInvalid.THROW:
          throw err;
      }
    }
  };
}
function newUsers(a, opts) {
  if (!Array.isArray(a)) {
    return [];
  }
  const options = Object.assign(defaultNewConfigOptions(), opts || {});
  return a.map(userIterator(options.onInvalidEntry)).filter(Boolean);
}
function exportUser(user) {
  return {
    name: user.name,
    user: {
      as: user.impersonateUser,
      "auth-provider": user.authProvider,
      "client-certificate-data": user.certData,
      "client-certificate": user.certFile,
      exec: user.exec,
      "client-key-data": user.keyData,
      "client-key": user.keyFile,
      token: user.token,
      password: user.password,
      username: user.username
    }
  };
}
function userIterator(onInvalidEntry) {
  return (elt, i, list) => {
    try {
      if (!elt.name) {
        throw new Error(`users[${i}].name is missing`);
      }
      return {
        authProvider: elt.user ? elt.user["auth-provider"] : null,
        certData: elt.user ? elt.user["client-certificate-data"] : null,
        certFile: elt.user ? elt.user["client-certificate"] : null,
        exec: elt.user ? elt.user.exec : null,
        keyData: elt.user ? elt.user["client-key-data"] : null,
        keyFile: elt.user ? elt.user["client-key"] : null,
        name: elt.name,
        token: findToken(elt.user),
        password: elt.user ? elt.user.password : null,
        username: elt.user ? elt.user.username : null,
        impersonateUser: elt.user ? elt.user.as : null
      };
    } catch (err) {
      switch (onInvalidEntry) {
        case ActionOnInvalid.FILTER:
          return null;
        default:
        case ActionOnInvalid.THROW:
          throw err;
      }
    }
  };
}
function findToken(user) {
  if (user) {
    if (user.token) {
      return user.token;
    }
    if (user["token-file"]) {
      return import_node_fs2.default.readFileSync(user["token-file"]).toString();
    }
  }
}
function newContexts(a, opts) {
  if (!Array.isArray(a)) {
    return [];
  }
  const options = Object.assign(defaultNewConfigOptions(), opts || {});
  return a.map(contextIterator(options.onInvalidEntry)).filter(Boolean);
}
function exportContext(ctx) {
  return {
    name: ctx.name,
    context: ctx
  };
}
function contextIterator(onInvalidEntry) {
  return (elt, i, list) => {
    try {
      if (!elt.name) {
        throw new Error(`contexts[${i}].name is missing`);
      }
      if (!elt.context) {
        throw new Error(`contexts[${i}].context is missing`);
      }
      if (!elt.context.cluster) {
        throw new Error(`contexts[${i}].context.cluster is missing`);
      }
      return {
        cluster: elt.context.cluster,
        name: elt.name,
        user: elt.context.user || void 0,
        namespace: elt.context.namespace || void 0
      };
    } catch (err) {
      switch (onInvalidEntry) {
        case ActionOnInvalid.FILTER:
          return null;
        default:
        case ActionOnInvalid.THROW:
          throw err;
      }
    }
  };
}
var import_node_fs2, ActionOnInvalid;
var init_config_types = __esm({
  "node_modules/@kubernetes/client-node/dist/config_types.js"() {
    import_node_fs2 = __toESM(__nccwpck_require__(24), 1);
    ActionOnInvalid = {
      THROW: "throw",
      FILTER: "filter"
    };
    __name(defaultNewConfigOptions, "defaultNewConfigOptions");
    __name(newClusters, "newClusters");
    __name(exportCluster, "exportCluster");
    __name(clusterIterator, "clusterIterator");
    __name(newUsers, "newUsers");
    __name(exportUser, "exportUser");
    __name(userIterator, "userIterator");
    __name(findToken, "findToken");
    __name(newContexts, "newContexts");
    __name(exportContext, "exportContext");
    __name(contextIterator, "contextIterator");
  }
});

// node_modules/@kubernetes/client-node/dist/exec_auth.js
var import_node_child_process2, ExecAuth;
var init_exec_auth = __esm({
  "node_modules/@kubernetes/client-node/dist/exec_auth.js"() {
    import_node_child_process2 = __toESM(__nccwpck_require__(421), 1);
    ExecAuth = class {
      static {
        __name(this, "ExecAuth");
      }
      constructor() {
        this.tokenCache = {};
        this.execFn = import_node_child_process2.default.spawn;
      }
      isAuthProvider(user) {
        if (!user) {
          return false;
        }
        if (user.exec) {
          return true;
        }
        if (!user.authProvider) {
          return false;
        }
        return user.authProvider.name === "exec" || !!(user.authProvider.config && user.authProvider.config.exec);
      }
      async applyAuthentication(user, opts) {
        const credential = await this.getCredential(user);
        if (!credential) {
          return;
        }
        if (credential.status.clientCertificateData) {
          opts.cert = credential.status.clientCertificateData;
        }
        if (credential.status.clientKeyData) {
          opts.key = credential.status.clientKeyData;
        }
        const token = this.getToken(credential);
        if (token) {
          if (!opts.headers) {
            opts.headers = {};
          }
          opts.headers["Authorization"] = `Bearer ${token}`;
        }
      }
      getToken(credential) {
        if (!credential) {
          return null;
        }
        if (credential.status.token) {
          return credential.status.token;
        }
        return null;
      }
      async getCredential(user) {
        const cachedToken = this.tokenCache[user.name];
        if (cachedToken) {
          if (!cachedToken.status.expirationTimestamp) {
            return cachedToken;
          }
          const date = Date.parse(cachedToken.status.expirationTimestamp);
          if (date > Date.now()) {
            return cachedToken;
          }
          this.tokenCache[user.name] = null;
        }
        let exec = null;
        if (user.authProvider && user.authProvider.config) {
          exec = user.authProvider.config.exec;
        }
        if (user.exec) {
          exec = user.exec;
        }
        if (!exec) {
          return null;
        }
        if (!exec.command) {
          throw new Error("No command was specified for exec authProvider!");
        }
        let opts = {};
        if (exec.env) {
          const env = { ...process.env };
          exec.env.forEach((elt) => env[elt.name] = elt.value);
          opts = { ...opts, env };
        }
        return new Promise((resolve, reject) => {
          let stdoutData = "";
          let stderrData = "";
          let savedError = void 0;
          const subprocess = this.execFn(exec.command, exec.args, opts);
          subprocess.stdout.setEncoding("utf8");
          subprocess.stderr.setEncoding("utf8");
          subprocess.stdout.on("data", (data) => {
            stdoutData += data;
          });
          subprocess.stderr.on("data", (data) => {
            stderrData += data;
          });
          subprocess.on("error", (error2) => {
            savedError = error2;
          });
          subprocess.on("close", (code) => {
            if (savedError) {
              reject(savedError);
              return;
            }
            if (code !== 0) {
              reject(new Error(stderrData));
              return;
            }
            try {
              const obj = JSON.parse(stdoutData);
              this.tokenCache[user.name] = obj;
              resolve(obj);
            } catch (error2) {
              reject(error2);
            }
          });
        });
      }
    };
  }
});

// node_modules/@kubernetes/client-node/dist/file_auth.js
var import_node_fs3, FileAuth;
var init_file_auth = __esm({
  "node_modules/@kubernetes/client-node/dist/file_auth.js"() {
    import_node_fs3 = __toESM(__nccwpck_require__(24), 1);
    FileAuth = class {
      static {
        __name(this, "FileAuth");
      }
      constructor() {
        this.token = null;
        this.lastRead = null;
      }
      isAuthProvider(user) {
        return user.authProvider && user.authProvider.config && user.authProvider.config.tokenFile;
      }
      async applyAuthentication(user, opts) {
        if (this.token == null) {
          this.refreshToken(user.authProvider.config.tokenFile);
        }
        if (this.isTokenExpired()) {
          this.refreshToken(user.authProvider.config.tokenFile);
        }
        if (this.token) {
          opts.headers["Authorization"] = `Bearer ${this.token}`;
        }
      }
      refreshToken(filePath) {
        this.token = import_node_fs3.default.readFileSync(filePath).toString("utf-8");
        this.lastRead = /* @__PURE__ */ new Date();
      }
      isTokenExpired() {
        if (this.lastRead === null) {
          return true;
        }
        const now = /* @__PURE__ */ new Date();
        const delta = (now.getTime() - this.lastRead.getTime()) / 1e3;
        return delta > 60;
      }
    };
  }
});

// node_modules/@kubernetes/client-node/dist/gcp_auth.js
var import_node_child_process3, GoogleCloudPlatformAuth;
var init_gcp_auth = __esm({
  "node_modules/@kubernetes/client-node/dist/gcp_auth.js"() {
    import_node_child_process3 = __toESM(__nccwpck_require__(421), 1);
    init_jsonpath_plus();
    GoogleCloudPlatformAuth = class {
      static {
        __name(this, "GoogleCloudPlatformAuth");
      }
      isAuthProvider(user) {
        if (!user || !user.authProvider) {
          return false;
        }
        return user.authProvider.name === "gcp";
      }
      async applyAuthentication(user, opts) {
        const token = this.getToken(user);
        if (token) {
          opts.headers["Authorization"] = `Bearer ${token}`;
        }
      }
      getToken(user) {
        const config = user.authProvider.config;
        if (this.isExpired(config)) {
          this.updateAccessToken(config);
        }
        return config["access-token"];
      }
      isExpired(config) {
        const token = config["access-token"];
        const expiry = config.expiry;
        if (!token) {
          return true;
        }
        if (!expiry) {
          return false;
        }
        const expiration = Date.parse(expiry);
        if (expiration < Date.now()) {
          return true;
        }
        return false;
      }
      updateAccessToken(config) {
        let cmd = config["cmd-path"];
        if (!cmd) {
          throw new Error("Token is expired!");
        }
        cmd = `"${cmd}"`;
        const args = config["cmd-args"];
        if (args) {
          cmd = cmd + " " + args;
        }
        let output;
        try {
          output = import_node_child_process3.default.execSync(cmd);
        } catch (err) {
          throw new Error("Failed to refresh token: " + err, { cause: err });
        }
        const resultObj = JSON.parse(output);
        const tokenPathKeyInConfig = config["token-key"];
        const expiryPathKeyInConfig = config["expiry-key"];
        const tokenPathKey = "$" + tokenPathKeyInConfig.slice(1, -1);
        const expiryPathKey = "$" + expiryPathKeyInConfig.slice(1, -1);
        config["access-token"] = JSONPath({ path: tokenPathKey, json: resultObj });
        config.expiry = JSONPath({ path: expiryPathKey, json: resultObj });
      }
    };
  }
});

// stand-in:./gen/index.js
function ServerConfiguration() {
  throw new Error("./gen/index.js is not part of this bundle");
}
function createConfiguration() {
  throw new Error("./gen/index.js is not part of this bundle");
}
var init_gen = __esm({
  "stand-in:./gen/index.js"() {
    __name(ServerConfiguration, "ServerConfiguration");
    __name(createConfiguration, "createConfiguration");
  }
});

// stand-in:openid-client
function customFetch() {
  throw new Error("openid-client is not part of this bundle");
}
function discovery() {
  throw new Error("openid-client is not part of this bundle");
}
function refreshTokenGrant() {
  throw new Error("openid-client is not part of this bundle");
}
var init_openid_client = __esm({
  "stand-in:openid-client"() {
    __name(customFetch, "customFetch");
    __name(discovery, "discovery");
    __name(refreshTokenGrant, "refreshTokenGrant");
  }
});

// node_modules/rfc4648/lib/rfc4648.js
function _parse(string, encoding, opts) {
  var _opts$out;
  if (opts === void 0) {
    opts = {};
  }
  if (!encoding.codes) {
    encoding.codes = {};
    for (var i = 0; i < encoding.chars.length; ++i) {
      encoding.codes[encoding.chars[i]] = i;
    }
  }
  if (!opts.loose && string.length * encoding.bits & 7) {
    throw new SyntaxError("Invalid padding");
  }
  var end2 = string.length;
  while (string[end2 - 1] === "=") {
    --end2;
    if (!opts.loose && !((string.length - end2) * encoding.bits & 7)) {
      throw new SyntaxError("Invalid padding");
    }
  }
  var out = new ((_opts$out = opts.out) != null ? _opts$out : Uint8Array)(end2 * encoding.bits / 8 | 0);
  var bits = 0;
  var buffer = 0;
  var written = 0;
  for (var _i = 0; _i < end2; ++_i) {
    var value = encoding.codes[string[_i]];
    if (value === void 0) {
      throw new SyntaxError("Invalid character " + string[_i]);
    }
    buffer = buffer << encoding.bits | value;
    bits += encoding.bits;
    if (bits >= 8) {
      bits -= 8;
      out[written++] = 255 & buffer >> bits;
    }
  }
  if (bits >= encoding.bits || 255 & buffer << 8 - bits) {
    throw new SyntaxError("Unexpected end of data");
  }
  return out;
}
function _stringify(data, encoding, opts) {
  if (opts === void 0) {
    opts = {};
  }
  var _opts = opts, _opts$pad = _opts.pad, pad = _opts$pad === void 0 ? true : _opts$pad;
  var mask = (1 << encoding.bits) - 1;
  var out = "";
  var bits = 0;
  var buffer = 0;
  for (var i = 0; i < data.length; ++i) {
    buffer = buffer << 8 | 255 & data[i];
    bits += 8;
    while (bits > encoding.bits) {
      bits -= encoding.bits;
      out += encoding.chars[mask & buffer >> bits];
    }
  }
  if (bits) {
    out += encoding.chars[mask & buffer << encoding.bits - bits];
  }
  if (pad) {
    while (out.length * encoding.bits & 7) {
      out += "=";
    }
  }
  return out;
}
var base64UrlEncoding, base64url;
var init_rfc4648 = __esm({
  "node_modules/rfc4648/lib/rfc4648.js"() {
    base64UrlEncoding = {
      chars: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
      bits: 6
    };
    base64url = {
      parse: /* @__PURE__ */ __name(function parse(string, opts) {
        return _parse(string, base64UrlEncoding, opts);
      }, "parse"),
      stringify: /* @__PURE__ */ __name(function stringify(data, opts) {
        return _stringify(data, base64UrlEncoding, opts);
      }, "stringify")
    };
    __name(_parse, "_parse");
    __name(_stringify, "_stringify");
  }
});

// node_modules/@kubernetes/client-node/dist/oidc_auth.js
var import_node_https, OidcClient, OpenIDConnectAuth;
var init_oidc_auth = __esm({
  "node_modules/@kubernetes/client-node/dist/oidc_auth.js"() {
    import_node_https = __toESM(__nccwpck_require__(708), 1);
    init_openid_client();
    init_rfc4648();
    init_config();
    OidcClient = class {
      static {
        __name(this, "OidcClient");
      }
      constructor(c) {
        this.config = c;
      }
      async refresh(token) {
        const newToken = await refreshTokenGrant(this.config, token);
        return {
          id_token: newToken.id_token,
          refresh_token: newToken.refresh_token,
          expires_at: newToken.expiresIn()
        };
      }
    };
    OpenIDConnectAuth = class _OpenIDConnectAuth {
      static {
        __name(this, "OpenIDConnectAuth");
      }
      constructor() {
        this.currentTokenExpiration = 0;
      }
      static decodeJWT(token) {
        const parts = token.split(".");
        if (parts.length !== 3) {
          return null;
        }
        const header = JSON.parse(new TextDecoder().decode(base64url.parse(parts[0], { loose: true })));
        const payload = JSON.parse(new TextDecoder().decode(base64url.parse(parts[1], { loose: true })));
        const signature = parts[2];
        return {
          header,
          payload,
          signature
        };
      }
      static expirationFromToken(token) {
        const jwt = _OpenIDConnectAuth.decodeJWT(token);
        if (!jwt) {
          return 0;
        }
        return jwt.payload.exp;
      }
      isAuthProvider(user) {
        if (!user.authProvider) {
          return false;
        }
        return user.authProvider.name === "oidc";
      }
      /**
       * Setup the authentication header for oidc authed clients
       * @param user user info
       * @param opts request options
       * @param overrideClient for testing, a preconfigured oidc client
       */
      async applyAuthentication(user, opts, overrideClient) {
        const token = await this.getToken(user, overrideClient);
        if (token) {
          opts.headers["Authorization"] = `Bearer ${token}`;
        }
      }
      async getToken(user, overrideClient) {
        if (!user.authProvider.config) {
          return null;
        }
        if (!user.authProvider.config["client-secret"]) {
          user.authProvider.config["client-secret"] = "";
        }
        if (!user.authProvider.config || !user.authProvider.config["id-token"]) {
          return null;
        }
        return this.refresh(user, overrideClient);
      }
      async refresh(user, overrideClient) {
        if (this.currentTokenExpiration === 0) {
          this.currentTokenExpiration = _OpenIDConnectAuth.expirationFromToken(user.authProvider.config["id-token"]);
        }
        if (Date.now() / 1e3 > this.currentTokenExpiration) {
          if (!user.authProvider.config["client-id"] || !user.authProvider.config["refresh-token"] || !user.authProvider.config["idp-issuer-url"]) {
            return null;
          }
          const client = overrideClient ? overrideClient : await this.getClient(user);
          const newToken = await client.refresh(user.authProvider.config["refresh-token"]);
          user.authProvider.config["id-token"] = newToken.id_token;
          user.authProvider.config["refresh-token"] = newToken.refresh_token;
          this.currentTokenExpiration = newToken.expires_at;
        }
        return user.authProvider.config["id-token"];
      }
      async getClient(user) {
        const idpCaFile = user.authProvider.config["idp-certificate-authority"];
        const idpCaData = user.authProvider.config["idp-certificate-authority-data"];
        const ca = bufferFromFileOrString(idpCaFile, idpCaData);
        let configuration;
        if (ca) {
          const agent = new import_node_https.default.Agent({ ca });
          const customFetchFn = /* @__PURE__ */ __name(async (url, options) => {
            const urlObj = new URL(url);
            const requestOptions = {
              hostname: urlObj.hostname,
              port: urlObj.port,
              path: urlObj.pathname + urlObj.search,
              method: (options === null || options === void 0 ? void 0 : options.method) || "GET",
              headers: (options === null || options === void 0 ? void 0 : options.headers) || {},
              agent
            };
            return new Promise((resolve, reject) => {
              const req = import_node_https.default.request(requestOptions, (res) => {
                const chunks = [];
                res.on("data", (chunk) => {
                  chunks.push(chunk);
                });
                res.on("end", () => {
                  const body = Buffer.concat(chunks);
                  const response = {
                    ok: res.statusCode >= 200 && res.statusCode < 300,
                    status: res.statusCode,
                    statusText: res.statusMessage || "",
                    headers: new Headers(res.headers),
                    url,
                    type: "basic",
                    redirected: false,
                    body: null,
                    bodyUsed: false,
                    json: /* @__PURE__ */ __name(async () => JSON.parse(body.toString()), "json"),
                    text: /* @__PURE__ */ __name(async () => body.toString(), "text"),
                    arrayBuffer: /* @__PURE__ */ __name(async () => body.buffer.slice(body.byteOffset, body.byteOffset + body.byteLength), "arrayBuffer"),
                    blob: /* @__PURE__ */ __name(async () => {
                      throw new Error("blob() not implemented");
                    }, "blob"),
                    formData: /* @__PURE__ */ __name(async () => {
                      throw new Error("formData() not implemented");
                    }, "formData"),
                    bytes: /* @__PURE__ */ __name(async () => new Uint8Array(body), "bytes"),
                    clone: /* @__PURE__ */ __name(() => {
                      throw new Error("clone() not implemented");
                    }, "clone")
                  };
                  resolve(response);
                });
              });
              req.on("error", reject);
              if (options === null || options === void 0 ? void 0 : options.body) {
                req.write(options.body);
              }
              req.end();
            });
          }, "customFetchFn");
          configuration = await discovery(user.authProvider.config["idp-issuer-url"], user.authProvider.config["client-id"], void 0, void 0, { [customFetch]: customFetchFn });
        } else {
          configuration = await discovery(user.authProvider.config["idp-issuer-url"], user.authProvider.config["client-id"]);
        }
        return new OidcClient(configuration);
      }
    };
  }
});

// node_modules/smart-buffer/build/utils.js
var require_utils = __commonJS({
  "node_modules/smart-buffer/build/utils.js"(exports2) {
    "use strict";
    Object.defineProperty(exports2, "__esModule", { value: true });
    var buffer_1 = __nccwpck_require__(181);
    var ERRORS = {
      INVALID_ENCODING: "Invalid encoding provided. Please specify a valid encoding the internal Node.js Buffer supports.",
      INVALID_SMARTBUFFER_SIZE: "Invalid size provided. Size must be a valid integer greater than zero.",
      INVALID_SMARTBUFFER_BUFFER: "Invalid Buffer provided in SmartBufferOptions.",
      INVALID_SMARTBUFFER_OBJECT: "Invalid SmartBufferOptions object supplied to SmartBuffer constructor or factory methods.",
      INVALID_OFFSET: "An invalid offset value was provided.",
      INVALID_OFFSET_NON_NUMBER: "An invalid offset value was provided. A numeric value is required.",
      INVALID_LENGTH: "An invalid length value was provided.",
      INVALID_LENGTH_NON_NUMBER: "An invalid length value was provived. A numeric value is required.",
      INVALID_TARGET_OFFSET: "Target offset is beyond the bounds of the internal SmartBuffer data.",
      INVALID_TARGET_LENGTH: "Specified length value moves cursor beyong the bounds of the internal SmartBuffer data.",
      INVALID_READ_BEYOND_BOUNDS: "Attempted to read beyond the bounds of the managed data.",
      INVALID_WRITE_BEYOND_BOUNDS: "Attempted to write beyond the bounds of the managed data."
    };
    exports2.ERRORS = ERRORS;
    function checkEncoding(encoding) {
      if (!buffer_1.Buffer.isEncoding(encoding)) {
        throw new Error(ERRORS.INVALID_ENCODING);
      }
    }
    __name(checkEncoding, "checkEncoding");
    exports2.checkEncoding = checkEncoding;
    function isFiniteInteger(value) {
      return typeof value === "number" && isFinite(value) && isInteger(value);
    }
    __name(isFiniteInteger, "isFiniteInteger");
    exports2.isFiniteInteger = isFiniteInteger;
    function checkOffsetOrLengthValue(value, offset) {
      if (typeof value === "number") {
        if (!isFiniteInteger(value) || value < 0) {
          throw new Error(offset ? ERRORS.INVALID_OFFSET : ERRORS.INVALID_LENGTH);
        }
      } else {
        throw new Error(offset ? ERRORS.INVALID_OFFSET_NON_NUMBER : ERRORS.INVALID_LENGTH_NON_NUMBER);
      }
    }
    __name(checkOffsetOrLengthValue, "checkOffsetOrLengthValue");
    function checkLengthValue(length) {
      checkOffsetOrLengthValue(length, false);
    }
    __name(checkLengthValue, "checkLengthValue");
    exports2.checkLengthValue = checkLengthValue;
    function checkOffsetValue(offset) {
      checkOffsetOrLengthValue(offset, true);
    }
    __name(checkOffsetValue, "checkOffsetValue");
    exports2.checkOffsetValue = checkOffsetValue;
    function checkTargetOffset(offset, buff) {
      if (offset < 0 || offset > buff.length) {
        throw new Error(ERRORS.INVALID_TARGET_OFFSET);
      }
    }
    __name(checkTargetOffset, "checkTargetOffset");
    exports2.checkTargetOffset = checkTargetOffset;
    function isInteger(value) {
      return typeof value === "number" && isFinite(value) && Math.floor(value) === value;
    }
    __name(isInteger, "isInteger");
    function bigIntAndBufferInt64Check(bufferMethod) {
      if (typeof BigInt === "undefined") {
        throw new Error("Platform does not support JS BigInt type.");
      }
      if (typeof buffer_1.Buffer.prototype[bufferMethod] === "undefined") {
        throw new Error(`Platform does not support Buffer.prototype.${bufferMethod}.`);
      }
    }
    __name(bigIntAndBufferInt64Check, "bigIntAndBufferInt64Check");
    exports2.bigIntAndBufferInt64Check = bigIntAndBufferInt64Check;
  }
});

// node_modules/smart-buffer/build/smartbuffer.js
var require_smartbuffer = __commonJS({
  "node_modules/smart-buffer/build/smartbuffer.js"(exports2) {
    "use strict";
    Object.defineProperty(exports2, "__esModule", { value: true });
    var utils_1 = require_utils();
    var DEFAULT_SMARTBUFFER_SIZE = 4096;
    var DEFAULT_SMARTBUFFER_ENCODING = "utf8";
    var SmartBuffer = class _SmartBuffer {
      static {
        __name(this, "SmartBuffer");
      }
      /**
       * Creates a new SmartBuffer instance.
       *
       * @param options { SmartBufferOptions } The SmartBufferOptions to apply to this instance.
       */
      constructor(options) {
        this.length = 0;
        this._encoding = DEFAULT_SMARTBUFFER_ENCODING;
        this._writeOffset = 0;
        this._readOffset = 0;
        if (_SmartBuffer.isSmartBufferOptions(options)) {
          if (options.encoding) {
            utils_1.checkEncoding(options.encoding);
            this._encoding = options.encoding;
          }
          if (options.size) {
            if (utils_1.isFiniteInteger(options.size) && options.size > 0) {
              this._buff = Buffer.allocUnsafe(options.size);
            } else {
              throw new Error(utils_1.ERRORS.INVALID_SMARTBUFFER_SIZE);
            }
          } else if (options.buff) {
            if (Buffer.isBuffer(options.buff)) {
              this._buff = options.buff;
              this.length = options.buff.length;
            } else {
              throw new Error(utils_1.ERRORS.INVALID_SMARTBUFFER_BUFFER);
            }
          } else {
            this._buff = Buffer.allocUnsafe(DEFAULT_SMARTBUFFER_SIZE);
          }
        } else {
          if (typeof options !== "undefined") {
            throw new Error(utils_1.ERRORS.INVALID_SMARTBUFFER_OBJECT);
          }
          this._buff = Buffer.allocUnsafe(DEFAULT_SMARTBUFFER_SIZE);
        }
      }
      /**
       * Creates a new SmartBuffer instance with the provided internal Buffer size and optional encoding.
       *
       * @param size { Number } The size of the internal Buffer.
       * @param encoding { String } The BufferEncoding to use for strings.
       *
       * @return { SmartBuffer }
       */
      static fromSize(size, encoding) {
        return new this({
          size,
          encoding
        });
      }
      /**
       * Creates a new SmartBuffer instance with the provided Buffer and optional encoding.
       *
       * @param buffer { Buffer } The Buffer to use as the internal Buffer value.
       * @param encoding { String } The BufferEncoding to use for strings.
       *
       * @return { SmartBuffer }
       */
      static fromBuffer(buff, encoding) {
        return new this({
          buff,
          encoding
        });
      }
      /**
       * Creates a new SmartBuffer instance with the provided SmartBufferOptions options.
       *
       * @param options { SmartBufferOptions } The options to use when creating the SmartBuffer instance.
       */
      static fromOptions(options) {
        return new this(options);
      }
      /**
       * Type checking function that determines if an object is a SmartBufferOptions object.
       */
      static isSmartBufferOptions(options) {
        const castOptions = options;
        return castOptions && (castOptions.encoding !== void 0 || castOptions.size !== void 0 || castOptions.buff !== void 0);
      }
      // Signed integers
      /**
       * Reads an Int8 value from the current read position or an optionally provided offset.
       *
       * @param offset { Number } The offset to read data from (optional)
       * @return { Number }
       */
      readInt8(offset) {
        return this._readNumberValue(Buffer.prototype.readInt8, 1, offset);
      }
      /**
       * Reads an Int16BE value from the current read position or an optionally provided offset.
       *
       * @param offset { Number } The offset to read data from (optional)
       * @return { Number }
       */
      readInt16BE(offset) {
        return this._readNumberValue(Buffer.prototype.readInt16BE, 2, offset);
      }
      /**
       * Reads an Int16LE value from the current read position or an optionally provided offset.
       *
       * @param offset { Number } The offset to read data from (optional)
       * @return { Number }
       */
      readInt16LE(offset) {
        return this._readNumberValue(Buffer.prototype.readInt16LE, 2, offset);
      }
      /**
       * Reads an Int32BE value from the current read position or an optionally provided offset.
       *
       * @param offset { Number } The offset to read data from (optional)
       * @return { Number }
       */
      readInt32BE(offset) {
        return this._readNumberValue(Buffer.prototype.readInt32BE, 4, offset);
      }
      /**
       * Reads an Int32LE value from the current read position or an optionally provided offset.
       *
       * @param offset { Number } The offset to read data from (optional)
       * @return { Number }
       */
      readInt32LE(offset) {
        return this._readNumberValue(Buffer.prototype.readInt32LE, 4, offset);
      }
      /**
       * Reads a BigInt64BE value from the current read position or an optionally provided offset.
       *
       * @param offset { Number } The offset to read data from (optional)
       * @return { BigInt }
       */
      readBigInt64BE(offset) {
        utils_1.bigIntAndBufferInt64Check("readBigInt64BE");
        return this._readNumberValue(Buffer.prototype.readBigInt64BE, 8, offset);
      }
      /**
       * Reads a BigInt64LE value from the current read position or an optionally provided offset.
       *
       * @param offset { Number } The offset to read data from (optional)
       * @return { BigInt }
       */
      readBigInt64LE(offset) {
        utils_1.bigIntAndBufferInt64Check("readBigInt64LE");
        return this._readNumberValue(Buffer.prototype.readBigInt64LE, 8, offset);
      }
      /**
       * Writes an Int8 value to the current write position (or at optional offset).
       *
       * @param value { Number } The value to write.
       * @param offset { Number } The offset to write the value at.
       *
       * @return this
       */
      writeInt8(value, offset) {
        this._writeNumberValue(Buffer.prototype.writeInt8, 1, value, offset);
        return this;
      }
      /**
       * Inserts an Int8 value at the given offset value.
       *
       * @param value { Number } The value to insert.
       * @param offset { Number } The offset to insert the value at.
       *
       * @return this
       */
      insertInt8(value, offset) {
        return this._insertNumberValue(Buffer.prototype.writeInt8, 1, value, offset);
      }
      /**
       * Writes an Int16BE value to the current write position (or at optional offset).
       *
       * @param value { Number } The value to write.
       * @param offset { Number } The offset to write the value at.
       *
       * @return this
       */
      writeInt16BE(value, offset) {
        return this._writeNumberValue(Buffer.prototype.writeInt16BE, 2, value, offset);
      }
      /**
       * Inserts an Int16BE value at the given offset value.
       *
       * @param value { Number } The value to insert.
       * @param offset { Number } The offset to insert the value at.
       *
       * @return this
       */
      insertInt16BE(value, offset) {
        return this._insertNumberValue(Buffer.prototype.writeInt16BE, 2, value, offset);
      }
      /**
       * Writes an Int16LE value to the current write position (or at optional offset).
       *
       * @param value { Number } The value to write.
       * @param offset { Number } The offset to write the value at.
       *
       * @return this
       */
      writeInt16LE(value, offset) {
        return this._writeNumberValue(Buffer.prototype.writeInt16LE, 2, value, offset);
      }
      /**
       * Inserts an Int16LE value at the given offset value.
       *
       * @param value { Number } The value to insert.
       * @param offset { Number } The offset to insert the value at.
       *
       * @return this
       */
      insertInt16LE(value, offset) {
        return this._insertNumberValue(Buffer.prototype.writeInt16LE, 2, value, offset);
      }
      /**
       * Writes an Int32BE value to the current write position (or at optional offset).
       *
       * @param value { Number } The value to write.
       * @param offset { Number } The offset to write the value at.
       *
       * @return this
       */
      writeInt32BE(value, offset) {
        return this._writeNumberValue(Buffer.prototype.writeInt32BE, 4, value, offset);
      }
      /**
       * Inserts an Int32BE value at the given offset value.
       *
       * @param value { Number } The value to insert.
       * @param offset { Number } The offset to insert the value at.
       *
       * @return this
       */
      insertInt32BE(value, offset) {
        return this._insertNumberValue(Buffer.prototype.writeInt32BE, 4, value, offset);
      }
      /**
       * Writes an Int32LE value to the current write position (or at optional offset).
       *
       * @param value { Number } The value to write.
       * @param offset { Number } The offset to write the value at.
       *
       * @return this
       */
      writeInt32LE(value, offset) {
        return this._writeNumberValue(Buffer.prototype.writeInt32LE, 4, value, offset);
      }
      /**
       * Inserts an Int32LE value at the given offset value.
       *
       * @param value { Number } The value to insert.
       * @param offset { Number } The offset to insert the value at.
       *
       * @return this
       */
      insertInt32LE(value, offset) {
        return this._insertNumberValue(Buffer.prototype.writeInt32LE, 4, value, offset);
      }
      /**
       * Writes a BigInt64BE value to the current write position (or at optional offset).
       *
       * @param value { BigInt } The value to write.
       * @param offset { Number } The offset to write the value at.
       *
       * @return this
       */
      writeBigInt64BE(value, offset) {
        utils_1.bigIntAndBufferInt64Check("writeBigInt64BE");
        return this._writeNumberValue(Buffer.prototype.writeBigInt64BE, 8, value, offset);
      }
      /**
       * Inserts a BigInt64BE value at the given offset value.
       *
       * @param value { BigInt } The value to insert.
       * @param offset { Number } The offset to insert the value at.
       *
       * @return this
       */
      insertBigInt64BE(value, offset) {
        utils_1.bigIntAndBufferInt64Check("writeBigInt64BE");
        return this._insertNumberValue(Buffer.prototype.writeBigInt64BE, 8, value, offset);
      }
      /**
       * Writes a BigInt64LE value to the current write position (or at optional offset).
       *
       * @param value { BigInt } The value to write.
       * @param offset { Number } The offset to write the value at.
       *
       * @return this
       */
      writeBigInt64LE(value, offset) {
        utils_1.bigIntAndBufferInt64Check("writeBigInt64LE");
        return this._writeNumberValue(Buffer.prototype.writeBigInt64LE, 8, value, offset);
      }
      /**
       * Inserts a Int64LE value at the given offset value.
       *
       * @param value { BigInt } The value to insert.
       * @param offset { Number } The offset to insert the value at.
       *
       * @return this
       */
      insertBigInt64LE(value, offset) {
        utils_1.bigIntAndBufferInt64Check("writeBigInt64LE");
        return this._insertNumberValue(Buffer.prototype.writeBigInt64LE, 8, value, offset);
      }
      // Unsigned Integers
      /**
       * Reads an UInt8 value from the current read position or an optionally provided offset.
       *
       * @param offset { Number } The offset to read data from (optional)
       * @return { Number }
       */
      readUInt8(offset) {
        return this._readNumberValue(Buffer.prototype.readUInt8, 1, offset);
      }
      /**
       * Reads an UInt16BE value from the current read position or an optionally provided offset.
       *
       * @param offset { Number } The offset to read data from (optional)
       * @return { Number }
       */
      readUInt16BE(offset) {
        return this._readNumberValue(Buffer.prototype.readUInt16BE, 2, offset);
      }
      /**
       * Reads an UInt16LE value from the current read position or an optionally provided offset.
       *
       * @param offset { Number } The offset to read data from (optional)
       * @return { Number }
       */
      readUInt16LE(offset) {
        return this._readNumberValue(Buffer.prototype.readUInt16LE, 2, offset);
      }
      /**
       * Reads an UInt32BE value from the current read position or an optionally provided offset.
       *
       * @param offset { Number } The offset to read data from (optional)
       * @return { Number }
       */
      readUInt32BE(offset) {
        return this._readNumberValue(Buffer.prototype.readUInt32BE, 4, offset);
      }
      /**
       * Reads an UInt32LE value from the current read position or an optionally provided offset.
       *
       * @param offset { Number } The offset to read data from (optional)
       * @return { Number }
       */
      readUInt32LE(offset) {
        return this._readNumberValue(Buffer.prototype.readUInt32LE, 4, offset);
      }
      /**
       * Reads a BigUInt64BE value from the current read position or an optionally provided offset.
       *
       * @param offset { Number } The offset to read data from (optional)
       * @return { BigInt }
       */
      readBigUInt64BE(offset) {
        utils_1.bigIntAndBufferInt64Check("readBigUInt64BE");
        return this._readNumberValue(Buffer.prototype.readBigUInt64BE, 8, offset);
      }
      /**
       * Reads a BigUInt64LE value from the current read position or an optionally provided offset.
       *
       * @param offset { Number } The offset to read data from (optional)
       * @return { BigInt }
       */
      readBigUInt64LE(offset) {
        utils_1.bigIntAndBufferInt64Check("readBigUInt64LE");
        return this._readNumberValue(Buffer.prototype.readBigUInt64LE, 8, offset);
      }
      /**
       * Writes an UInt8 value to the current write position (or at optional offset).
       *
       * @param value { Number } The value to write.
       * @param offset { Number } The offset to write the value at.
       *
       * @return this
       */
      writeUInt8(value, offset) {
        return this._writeNumberValue(Buffer.prototype.writeUInt8, 1, value, offset);
      }
      /**
       * Inserts an UInt8 value at the given offset value.
       *
       * @param value { Number } The value to insert.
       * @param offset { Number } The offset to insert the value at.
       *
       * @return this
       */
      insertUInt8(value, offset) {
        return this._insertNumberValue(Buffer.prototype.writeUInt8, 1, value, offset);
      }
      /**
       * Writes an UInt16BE value to the current write position (or at optional offset).
       *
       * @param value { Number } The value to write.
       * @param offset { Number } The offset to write the value at.
       *
       * @return this
       */
      writeUInt16BE(value, offset) {
        return this._writeNumberValue(Buffer.prototype.writeUInt16BE, 2, value, offset);
      }
      /**
       * Inserts an UInt16BE value at the given offset value.
       *
       * @param value { Number } The value to insert.
       * @param offset { Number } The offset to insert the value at.
       *
       * @return this
       */
      insertUInt16BE(value, offset) {
        return this._insertNumberValue(Buffer.prototype.writeUInt16BE, 2, value, offset);
      }
      /**
       * Writes an UInt16LE value to the current write position (or at optional offset).
       *
       * @param value { Number } The value to write.
       * @param offset { Number } The offset to write the value at.
       *
       * @return this
       */
      writeUInt16LE(value, offset) {
        return this._writeNumberValue(Buffer.prototype.writeUInt16LE, 2, value, offset);
      }
      /**
       * Inserts an UInt16LE value at the given offset value.
       *
       * @param value { Number } The value to insert.
       * @param offset { Number } The offset to insert the value at.
       *
       * @return this
       */
      insertUInt16LE(value, offset) {
        return this._insertNumberValue(Buffer.prototype.writeUInt16LE, 2, value, offset);
      }
      /**
       * Writes an UInt32BE value to the current write position (or at optional offset).
       *
       * @param value { Number } The value to write.
       * @param offset { Number } The offset to write the value at.
       *
       * @return this
       */
      writeUInt32BE(value, offset) {
        return this._writeNumberValue(Buffer.prototype.writeUInt32BE, 4, value, offset);
      }
      /**
       * Inserts an UInt32BE value at the given offset value.
       *
       * @param value { Number } The value to insert.
       * @param offset { Number } The offset to insert the value at.
       *
       * @return this
       */
      insertUInt32BE(value, offset) {
        return this._insertNumberValue(Buffer.prototype.writeUInt32BE, 4, value, offset);
      }
      /**
       * Writes an UInt32LE value to the current write position (or at optional offset).
       *
       * @param value { Number } The value to write.
       * @param offset { Number } The offset to write the value at.
       *
       * @return this
       */
      writeUInt32LE(value, offset) {
        return this._writeNumberValue(Buffer.prototype.writeUInt32LE, 4, value, offset);
      }
      /**
       * Inserts an UInt32LE value at the given offset value.
       *
       * @param value { Number } The value to insert.
       * @param offset { Number } The offset to insert the value at.
       *
       * @return this
       */
      insertUInt32LE(value, offset) {
        return this._insertNumberValue(Buffer.prototype.writeUInt32LE, 4, value, offset);
      }
      /**
       * Writes a BigUInt64BE value to the current write position (or at optional offset).
       *
       * @param value { Number } The value to write.
       * @param offset { Number } The offset to write the value at.
       *
       * @return this
       */
      writeBigUInt64BE(value, offset) {
        utils_1.bigIntAndBufferInt64Check("writeBigUInt64BE");
        return this._writeNumberValue(Buffer.prototype.writeBigUInt64BE, 8, value, offset);
      }
      /**
       * Inserts a BigUInt64BE value at the given offset value.
       *
       * @param value { Number } The value to insert.
       * @param offset { Number } The offset to insert the value at.
       *
       * @return this
       */
      insertBigUInt64BE(value, offset) {
        utils_1.bigIntAndBufferInt64Check("writeBigUInt64BE");
        return this._insertNumberValue(Buffer.prototype.writeBigUInt64BE, 8, value, offset);
      }
      /**
       * Writes a BigUInt64LE value to the current write position (or at optional offset).
       *
       * @param value { Number } The value to write.
       * @param offset { Number } The offset to write the value at.
       *
       * @return this
       */
      writeBigUInt64LE(value, offset) {
        utils_1.bigIntAndBufferInt64Check("writeBigUInt64LE");
        return this._writeNumberValue(Buffer.prototype.writeBigUInt64LE, 8, value, offset);
      }
      /**
       * Inserts a BigUInt64LE value at the given offset value.
       *
       * @param value { Number } The value to insert.
       * @param offset { Number } The offset to insert the value at.
       *
       * @return this
       */
      insertBigUInt64LE(value, offset) {
        utils_1.bigIntAndBufferInt64Check("writeBigUInt64LE");
        return this._insertNumberValue(Buffer.prototype.writeBigUInt64LE, 8, value, offset);
      }
      // Floating Point
      /**
       * Reads an FloatBE value from the current read position or an optionally provided offset.
       *
       * @param offset { Number } The offset to read data from (optional)
       * @return { Number }
       */
      readFloatBE(offset) {
        return this._readNumberValue(Buffer.prototype.readFloatBE, 4, offset);
      }
      /**
       * Reads an FloatLE value from the current read position or an optionally provided offset.
       *
       * @param offset { Number } The offset to read data from (optional)
       * @return { Number }
       */
      readFloatLE(offset) {
        return this._readNumberValue(Buffer.prototype.readFloatLE, 4, offset);
      }
      /**
       * Writes a FloatBE value to the current write position (or at optional offset).
       *
       * @param value { Number } The value to write.
       * @param offset { Number } The offset to write the value at.
       *
       * @return this
       */
      writeFloatBE(value, offset) {
        return this._writeNumberValue(Buffer.prototype.writeFloatBE, 4, value, offset);
      }
      /**
       * Inserts a FloatBE value at the given offset value.
       *
       * @param value { Number } The value to insert.
       * @param offset { Number } The offset to insert the value at.
       *
       * @return this
       */
      insertFloatBE(value, offset) {
        return this._insertNumberValue(Buffer.prototype.writeFloatBE, 4, value, offset);
      }
      /**
       * Writes a FloatLE value to the current write position (or at optional offset).
       *
       * @param value { Number } The value to write.
       * @param offset { Number } The offset to write the value at.
       *
       * @return this
       */
      writeFloatLE(value, offset) {
        return this._writeNumberValue(Buffer.prototype.writeFloatLE, 4, value, offset);
      }
      /**
       * Inserts a FloatLE value at the given offset value.
       *
       * @param value { Number } The value to insert.
       * @param offset { Number } The offset to insert the value at.
       *
       * @return this
       */
      insertFloatLE(value, offset) {
        return this._insertNumberValue(Buffer.prototype.writeFloatLE, 4, value, offset);
      }
      // Double Floating Point
      /**
       * Reads an DoublEBE value from the current read position or an optionally provided offset.
       *
       * @param offset { Number } The offset to read data from (optional)
       * @return { Number }
       */
      readDoubleBE(offset) {
        return this._readNumberValue(Buffer.prototype.readDoubleBE, 8, offset);
      }
      /**
       * Reads an DoubleLE value from the current read position or an optionally provided offset.
       *
       * @param offset { Number } The offset to read data from (optional)
       * @return { Number }
       */
      readDoubleLE(offset) {
        return this._readNumberValue(Buffer.prototype.readDoubleLE, 8, offset);
      }
      /**
       * Writes a DoubleBE value to the current write position (or at optional offset).
       *
       * @param value { Number } The value to write.
       * @param offset { Number } The offset to write the value at.
       *
       * @return this
       */
      writeDoubleBE(value, offset) {
        return this._writeNumberValue(Buffer.prototype.writeDoubleBE, 8, value, offset);
      }
      /**
       * Inserts a DoubleBE value at the given offset value.
       *
       * @param value { Number } The value to insert.
       * @param offset { Number } The offset to insert the value at.
       *
       * @return this
       */
      insertDoubleBE(value, offset) {
        return this._insertNumberValue(Buffer.prototype.writeDoubleBE, 8, value, offset);
      }
      /**
       * Writes a DoubleLE value to the current write position (or at optional offset).
       *
       * @param value { Number } The value to write.
       * @param offset { Number } The offset to write the value at.
       *
       * @return this
       */
      writeDoubleLE(value, offset) {
        return this._writeNumberValue(Buffer.prototype.writeDoubleLE, 8, value, offset);
      }
      /**
       * Inserts a DoubleLE value at the given offset value.
       *
       * @param value { Number } The value to insert.
       * @param offset { Number } The offset to insert the value at.
       *
       * @return this
       */
      insertDoubleLE(value, offset) {
        return this._insertNumberValue(Buffer.prototype.writeDoubleLE, 8, value, offset);
      }
      // Strings
      /**
       * Reads a String from the current read position.
       *
       * @param arg1 { Number | String } The number of bytes to read as a String, or the BufferEncoding to use for
       *             the string (Defaults to instance level encoding).
       * @param encoding { String } The BufferEncoding to use for the string (Defaults to instance level encoding).
       *
       * @return { String }
       */
      readString(arg1, encoding) {
        let lengthVal;
        if (typeof arg1 === "number") {
          utils_1.checkLengthValue(arg1);
          lengthVal = Math.min(arg1, this.length - this._readOffset);
        } else {
          encoding = arg1;
          lengthVal = this.length - this._readOffset;
        }
        if (typeof encoding !== "undefined") {
          utils_1.checkEncoding(encoding);
        }
        const value = this._buff.slice(this._readOffset, this._readOffset + lengthVal).toString(encoding || this._encoding);
        this._readOffset += lengthVal;
        return value;
      }
      /**
       * Inserts a String
       *
       * @param value { String } The String value to insert.
       * @param offset { Number } The offset to insert the string at.
       * @param encoding { String } The BufferEncoding to use for writing strings (defaults to instance encoding).
       *
       * @return this
       */
      insertString(value, offset, encoding) {
        utils_1.checkOffsetValue(offset);
        return this._handleString(value, true, offset, encoding);
      }
      /**
       * Writes a String
       *
       * @param value { String } The String value to write.
       * @param arg2 { Number | String } The offset to write the string at, or the BufferEncoding to use.
       * @param encoding { String } The BufferEncoding to use for writing strings (defaults to instance encoding).
       *
       * @return this
       */
      writeString(value, arg2, encoding) {
        return this._handleString(value, false, arg2, encoding);
      }
      /**
       * Reads a null-terminated String from the current read position.
       *
       * @param encoding { String } The BufferEncoding to use for the string (Defaults to instance level encoding).
       *
       * @return { String }
       */
      readStringNT(encoding) {
        if (typeof encoding !== "undefined") {
          utils_1.checkEncoding(encoding);
        }
        let nullPos = this.length;
        for (let i = this._readOffset; i < this.length; i++) {
          if (this._buff[i] === 0) {
            nullPos = i;
            break;
          }
        }
        const value = this._buff.slice(this._readOffset, nullPos);
        this._readOffset = nullPos + 1;
        return value.toString(encoding || this._encoding);
      }
      /**
       * Inserts a null-terminated String.
       *
       * @param value { String } The String value to write.
       * @param arg2 { Number | String } The offset to write the string to, or the BufferEncoding to use.
       * @param encoding { String } The BufferEncoding to use for writing strings (defaults to instance encoding).
       *
       * @return this
       */
      insertStringNT(value, offset, encoding) {
        utils_1.checkOffsetValue(offset);
        this.insertString(value, offset, encoding);
        this.insertUInt8(0, offset + value.length);
        return this;
      }
      /**
       * Writes a null-terminated String.
       *
       * @param value { String } The String value to write.
       * @param arg2 { Number | String } The offset to write the string to, or the BufferEncoding to use.
       * @param encoding { String } The BufferEncoding to use for writing strings (defaults to instance encoding).
       *
       * @return this
       */
      writeStringNT(value, arg2, encoding) {
        this.writeString(value, arg2, encoding);
        this.writeUInt8(0, typeof arg2 === "number" ? arg2 + value.length : this.writeOffset);
        return this;
      }
      // Buffers
      /**
       * Reads a Buffer from the internal read position.
       *
       * @param length { Number } The length of data to read as a Buffer.
       *
       * @return { Buffer }
       */
      readBuffer(length) {
        if (typeof length !== "undefined") {
          utils_1.checkLengthValue(length);
        }
        const lengthVal = typeof length === "number" ? length : this.length;
        const endPoint = Math.min(this.length, this._readOffset + lengthVal);
        const value = this._buff.slice(this._readOffset, endPoint);
        this._readOffset = endPoint;
        return value;
      }
      /**
       * Writes a Buffer to the current write position.
       *
       * @param value { Buffer } The Buffer to write.
       * @param offset { Number } The offset to write the Buffer to.
       *
       * @return this
       */
      insertBuffer(value, offset) {
        utils_1.checkOffsetValue(offset);
        return this._handleBuffer(value, true, offset);
      }
      /**
       * Writes a Buffer to the current write position.
       *
       * @param value { Buffer } The Buffer to write.
       * @param offset { Number } The offset to write the Buffer to.
       *
       * @return this
       */
      writeBuffer(value, offset) {
        return this._handleBuffer(value, false, offset);
      }
      /**
       * Reads a null-terminated Buffer from the current read poisiton.
       *
       * @return { Buffer }
       */
      readBufferNT() {
        let nullPos = this.length;
        for (let i = this._readOffset; i < this.length; i++) {
          if (this._buff[i] === 0) {
            nullPos = i;
            break;
          }
        }
        const value = this._buff.slice(this._readOffset, nullPos);
        this._readOffset = nullPos + 1;
        return value;
      }
      /**
       * Inserts a null-terminated Buffer.
       *
       * @param value { Buffer } The Buffer to write.
       * @param offset { Number } The offset to write the Buffer to.
       *
       * @return this
       */
      insertBufferNT(value, offset) {
        utils_1.checkOffsetValue(offset);
        this.insertBuffer(value, offset);
        this.insertUInt8(0, offset + value.length);
        return this;
      }
      /**
       * Writes a null-terminated Buffer.
       *
       * @param value { Buffer } The Buffer to write.
       * @param offset { Number } The offset to write the Buffer to.
       *
       * @return this
       */
      writeBufferNT(value, offset) {
        if (typeof offset !== "undefined") {
          utils_1.checkOffsetValue(offset);
        }
        this.writeBuffer(value, offset);
        this.writeUInt8(0, typeof offset === "number" ? offset + value.length : this._writeOffset);
        return this;
      }
      /**
       * Clears the SmartBuffer instance to its original empty state.
       */
      clear() {
        this._writeOffset = 0;
        this._readOffset = 0;
        this.length = 0;
        return this;
      }
      /**
       * Gets the remaining data left to be read from the SmartBuffer instance.
       *
       * @return { Number }
       */
      remaining() {
        return this.length - this._readOffset;
      }
      /**
       * Gets the current read offset value of the SmartBuffer instance.
       *
       * @return { Number }
       */
      get readOffset() {
        return this._readOffset;
      }
      /**
       * Sets the read offset value of the SmartBuffer instance.
       *
       * @param offset { Number } - The offset value to set.
       */
      set readOffset(offset) {
        utils_1.checkOffsetValue(offset);
        utils_1.checkTargetOffset(offset, this);
        this._readOffset = offset;
      }
      /**
       * Gets the current write offset value of the SmartBuffer instance.
       *
       * @return { Number }
       */
      get writeOffset() {
        return this._writeOffset;
      }
      /**
       * Sets the write offset value of the SmartBuffer instance.
       *
       * @param offset { Number } - The offset value to set.
       */
      set writeOffset(offset) {
        utils_1.checkOffsetValue(offset);
        utils_1.checkTargetOffset(offset, this);
        this._writeOffset = offset;
      }
      /**
       * Gets the currently set string encoding of the SmartBuffer instance.
       *
       * @return { BufferEncoding } The string Buffer encoding currently set.
       */
      get encoding() {
        return this._encoding;
      }
      /**
       * Sets the string encoding of the SmartBuffer instance.
       *
       * @param encoding { BufferEncoding } The string Buffer encoding to set.
       */
      set encoding(encoding) {
        utils_1.checkEncoding(encoding);
        this._encoding = encoding;
      }
      /**
       * Gets the underlying internal Buffer. (This includes unmanaged data in the Buffer)
       *
       * @return { Buffer } The Buffer value.
       */
      get internalBuffer() {
        return this._buff;
      }
      /**
       * Gets the value of the internal managed Buffer (Includes managed data only)
       *
       * @param { Buffer }
       */
      toBuffer() {
        return this._buff.slice(0, this.length);
      }
      /**
       * Gets the String value of the internal managed Buffer
       *
       * @param encoding { String } The BufferEncoding to display the Buffer as (defaults to instance level encoding).
       */
      toString(encoding) {
        const encodingVal = typeof encoding === "string" ? encoding : this._encoding;
        utils_1.checkEncoding(encodingVal);
        return this._buff.toString(encodingVal, 0, this.length);
      }
      /**
       * Destroys the SmartBuffer instance.
       */
      destroy() {
        this.clear();
        return this;
      }
      /**
       * Handles inserting and writing strings.
       *
       * @param value { String } The String value to insert.
       * @param isInsert { Boolean } True if inserting a string, false if writing.
       * @param arg2 { Number | String } The offset to insert the string at, or the BufferEncoding to use.
       * @param encoding { String } The BufferEncoding to use for writing strings (defaults to instance encoding).
       */
      _handleString(value, isInsert, arg3, encoding) {
        let offsetVal = this._writeOffset;
        let encodingVal = this._encoding;
        if (typeof arg3 === "number") {
          offsetVal = arg3;
        } else if (typeof arg3 === "string") {
          utils_1.checkEncoding(arg3);
          encodingVal = arg3;
        }
        if (typeof encoding === "string") {
          utils_1.checkEncoding(encoding);
          encodingVal = encoding;
        }
        const byteLength = Buffer.byteLength(value, encodingVal);
        if (isInsert) {
          this.ensureInsertable(byteLength, offsetVal);
        } else {
          this._ensureWriteable(byteLength, offsetVal);
        }
        this._buff.write(value, offsetVal, byteLength, encodingVal);
        if (isInsert) {
          this._writeOffset += byteLength;
        } else {
          if (typeof arg3 === "number") {
            this._writeOffset = Math.max(this._writeOffset, offsetVal + byteLength);
          } else {
            this._writeOffset += byteLength;
          }
        }
        return this;
      }
      /**
       * Handles writing or insert of a Buffer.
       *
       * @param value { Buffer } The Buffer to write.
       * @param offset { Number } The offset to write the Buffer to.
       */
      _handleBuffer(value, isInsert, offset) {
        const offsetVal = typeof offset === "number" ? offset : this._writeOffset;
        if (isInsert) {
          this.ensureInsertable(value.length, offsetVal);
        } else {
          this._ensureWriteable(value.length, offsetVal);
        }
        value.copy(this._buff, offsetVal);
        if (isInsert) {
          this._writeOffset += value.length;
        } else {
          if (typeof offset === "number") {
            this._writeOffset = Math.max(this._writeOffset, offsetVal + value.length);
          } else {
            this._writeOffset += value.length;
          }
        }
        return this;
      }
      /**
       * Ensures that the internal Buffer is large enough to read data.
       *
       * @param length { Number } The length of the data that needs to be read.
       * @param offset { Number } The offset of the data that needs to be read.
       */
      ensureReadable(length, offset) {
        let offsetVal = this._readOffset;
        if (typeof offset !== "undefined") {
          utils_1.checkOffsetValue(offset);
          offsetVal = offset;
        }
        if (offsetVal < 0 || offsetVal + length > this.length) {
          throw new Error(utils_1.ERRORS.INVALID_READ_BEYOND_BOUNDS);
        }
      }
      /**
       * Ensures that the internal Buffer is large enough to insert data.
       *
       * @param dataLength { Number } The length of the data that needs to be written.
       * @param offset { Number } The offset of the data to be written.
       */
      ensureInsertable(dataLength, offset) {
        utils_1.checkOffsetValue(offset);
        this._ensureCapacity(this.length + dataLength);
        if (offset < this.length) {
          this._buff.copy(this._buff, offset + dataLength, offset, this._buff.length);
        }
        if (offset + dataLength > this.length) {
          this.length = offset + dataLength;
        } else {
          this.length += dataLength;
        }
      }
      /**
       * Ensures that the internal Buffer is large enough to write data.
       *
       * @param dataLength { Number } The length of the data that needs to be written.
       * @param offset { Number } The offset of the data to be written (defaults to writeOffset).
       */
      _ensureWriteable(dataLength, offset) {
        const offsetVal = typeof offset === "number" ? offset : this._writeOffset;
        this._ensureCapacity(offsetVal + dataLength);
        if (offsetVal + dataLength > this.length) {
          this.length = offsetVal + dataLength;
        }
      }
      /**
       * Ensures that the internal Buffer is large enough to write at least the given amount of data.
       *
       * @param minLength { Number } The minimum length of the data needs to be written.
       */
      _ensureCapacity(minLength) {
        const oldLength = this._buff.length;
        if (minLength > oldLength) {
          let data = this._buff;
          let newLength = oldLength * 3 / 2 + 1;
          if (newLength < minLength) {
            newLength = minLength;
          }
          this._buff = Buffer.allocUnsafe(newLength);
          data.copy(this._buff, 0, 0, oldLength);
        }
      }
      /**
       * Reads a numeric number value using the provided function.
       *
       * @typeparam T { number | bigint } The type of the value to be read
       *
       * @param func { Function(offset: number) => number } The function to read data on the internal Buffer with.
       * @param byteSize { Number } The number of bytes read.
       * @param offset { Number } The offset to read from (optional). When this is not provided, the managed readOffset is used instead.
       *
       * @returns { T } the number value
       */
      _readNumberValue(func, byteSize, offset) {
        this.ensureReadable(byteSize, offset);
        const value = func.call(this._buff, typeof offset === "number" ? offset : this._readOffset);
        if (typeof offset === "undefined") {
          this._readOffset += byteSize;
        }
        return value;
      }
      /**
       * Inserts a numeric number value based on the given offset and value.
       *
       * @typeparam T { number | bigint } The type of the value to be written
       *
       * @param func { Function(offset: T, offset?) => number} The function to write data on the internal Buffer with.
       * @param byteSize { Number } The number of bytes written.
       * @param value { T } The number value to write.
       * @param offset { Number } the offset to write the number at (REQUIRED).
       *
       * @returns SmartBuffer this buffer
       */
      _insertNumberValue(func, byteSize, value, offset) {
        utils_1.checkOffsetValue(offset);
        this.ensureInsertable(byteSize, offset);
        func.call(this._buff, value, offset);
        this._writeOffset += byteSize;
        return this;
      }
      /**
       * Writes a numeric number value based on the given offset and value.
       *
       * @typeparam T { number | bigint } The type of the value to be written
       *
       * @param func { Function(offset: T, offset?) => number} The function to write data on the internal Buffer with.
       * @param byteSize { Number } The number of bytes written.
       * @param value { T } The number value to write.
       * @param offset { Number } the offset to write the number at (REQUIRED).
       *
       * @returns SmartBuffer this buffer
       */
      _writeNumberValue(func, byteSize, value, offset) {
        if (typeof offset === "number") {
          if (offset < 0) {
            throw new Error(utils_1.ERRORS.INVALID_WRITE_BEYOND_BOUNDS);
          }
          utils_1.checkOffsetValue(offset);
        }
        const offsetVal = typeof offset === "number" ? offset : this._writeOffset;
        this._ensureWriteable(byteSize, offsetVal);
        func.call(this._buff, value, offsetVal);
        if (typeof offset === "number") {
          this._writeOffset = Math.max(this._writeOffset, offsetVal + byteSize);
        } else {
          this._writeOffset += byteSize;
        }
        return this;
      }
    };
    exports2.SmartBuffer = SmartBuffer;
  }
});

// node_modules/socks/build/common/constants.js
var require_constants = __commonJS({
  "node_modules/socks/build/common/constants.js"(exports2) {
    "use strict";
    Object.defineProperty(exports2, "__esModule", { value: true });
    exports2.SOCKS5_NO_ACCEPTABLE_AUTH = exports2.SOCKS5_CUSTOM_AUTH_END = exports2.SOCKS5_CUSTOM_AUTH_START = exports2.SOCKS_INCOMING_PACKET_SIZES = exports2.SocksClientState = exports2.Socks5Response = exports2.Socks5HostType = exports2.Socks5Auth = exports2.Socks4Response = exports2.SocksCommand = exports2.ERRORS = exports2.DEFAULT_TIMEOUT = void 0;
    var DEFAULT_TIMEOUT = 3e4;
    exports2.DEFAULT_TIMEOUT = DEFAULT_TIMEOUT;
    var ERRORS = {
      InvalidSocksCommand: "An invalid SOCKS command was provided. Valid options are connect, bind, and associate.",
      InvalidSocksCommandForOperation: "An invalid SOCKS command was provided. Only a subset of commands are supported for this operation.",
      InvalidSocksCommandChain: "An invalid SOCKS command was provided. Chaining currently only supports the connect command.",
      InvalidSocksClientOptionsDestination: "An invalid destination host was provided.",
      InvalidSocksClientOptionsExistingSocket: "An invalid existing socket was provided. This should be an instance of stream.Duplex.",
      InvalidSocksClientOptionsProxy: "Invalid SOCKS proxy details were provided.",
      InvalidSocksClientOptionsTimeout: "An invalid timeout value was provided. Please enter a value above 0 (in ms).",
      InvalidSocksClientOptionsProxiesLength: "At least two socks proxies must be provided for chaining.",
      InvalidSocksClientOptionsCustomAuthRange: "Custom auth must be a value between 0x80 and 0xFE.",
      InvalidSocksClientOptionsCustomAuthOptions: "When a custom_auth_method is provided, custom_auth_request_handler, custom_auth_response_size, and custom_auth_response_handler must also be provided and valid.",
      NegotiationError: "Negotiation error",
      SocketClosed: "Socket closed",
      ProxyConnectionTimedOut: "Proxy connection timed out",
      InternalError: "SocksClient internal error (this should not happen)",
      InvalidSocks4HandshakeResponse: "Received invalid Socks4 handshake response",
      Socks4ProxyRejectedConnection: "Socks4 Proxy rejected connection",
      InvalidSocks4IncomingConnectionResponse: "Socks4 invalid incoming connection response",
      Socks4ProxyRejectedIncomingBoundConnection: "Socks4 Proxy rejected incoming bound connection",
      InvalidSocks5InitialHandshakeResponse: "Received invalid Socks5 initial handshake response",
      InvalidSocks5IntiailHandshakeSocksVersion: "Received invalid Socks5 initial handshake (invalid socks version)",
      InvalidSocks5InitialHandshakeNoAcceptedAuthType: "Received invalid Socks5 initial handshake (no accepted authentication type)",
      InvalidSocks5InitialHandshakeUnknownAuthType: "Received invalid Socks5 initial handshake (unknown authentication type)",
      Socks5AuthenticationFailed: "Socks5 Authentication failed",
      InvalidSocks5FinalHandshake: "Received invalid Socks5 final handshake response",
      InvalidSocks5FinalHandshakeRejected: "Socks5 proxy rejected connection",
      InvalidSocks5IncomingConnectionResponse: "Received invalid Socks5 incoming connection response",
      Socks5ProxyRejectedIncomingBoundConnection: "Socks5 Proxy rejected incoming bound connection"
    };
    exports2.ERRORS = ERRORS;
    var SOCKS_INCOMING_PACKET_SIZES = {
      Socks5InitialHandshakeResponse: 2,
      Socks5UserPassAuthenticationResponse: 2,
      // Command response + incoming connection (bind)
      Socks5ResponseHeader: 5,
      // We need at least 5 to read the hostname length, then we wait for the address+port information.
      Socks5ResponseIPv4: 10,
      // 4 header + 4 ip + 2 port
      Socks5ResponseIPv6: 22,
      // 4 header + 16 ip + 2 port
      Socks5ResponseHostname: /* @__PURE__ */ __name((hostNameLength) => hostNameLength + 7, "Socks5ResponseHostname"),
      // 4 header + 1 host length + host + 2 port
      // Command response + incoming connection (bind)
      Socks4Response: 8
      // 2 header + 2 port + 4 ip
    };
    exports2.SOCKS_INCOMING_PACKET_SIZES = SOCKS_INCOMING_PACKET_SIZES;
    var SocksCommand;
    (function(SocksCommand2) {
      SocksCommand2[SocksCommand2["connect"] = 1] = "connect";
      SocksCommand2[SocksCommand2["bind"] = 2] = "bind";
      SocksCommand2[SocksCommand2["associate"] = 3] = "associate";
    })(SocksCommand || (exports2.SocksCommand = SocksCommand = {}));
    var Socks4Response;
    (function(Socks4Response2) {
      Socks4Response2[Socks4Response2["Granted"] = 90] = "Granted";
      Socks4Response2[Socks4Response2["Failed"] = 91] = "Failed";
      Socks4Response2[Socks4Response2["Rejected"] = 92] = "Rejected";
      Socks4Response2[Socks4Response2["RejectedIdent"] = 93] = "RejectedIdent";
    })(Socks4Response || (exports2.Socks4Response = Socks4Response = {}));
    var Socks5Auth;
    (function(Socks5Auth2) {
      Socks5Auth2[Socks5Auth2["NoAuth"] = 0] = "NoAuth";
      Socks5Auth2[Socks5Auth2["GSSApi"] = 1] = "GSSApi";
      Socks5Auth2[Socks5Auth2["UserPass"] = 2] = "UserPass";
    })(Socks5Auth || (exports2.Socks5Auth = Socks5Auth = {}));
    var SOCKS5_CUSTOM_AUTH_START = 128;
    exports2.SOCKS5_CUSTOM_AUTH_START = SOCKS5_CUSTOM_AUTH_START;
    var SOCKS5_CUSTOM_AUTH_END = 254;
    exports2.SOCKS5_CUSTOM_AUTH_END = SOCKS5_CUSTOM_AUTH_END;
    var SOCKS5_NO_ACCEPTABLE_AUTH = 255;
    exports2.SOCKS5_NO_ACCEPTABLE_AUTH = SOCKS5_NO_ACCEPTABLE_AUTH;
    var Socks5Response;
    (function(Socks5Response2) {
      Socks5Response2[Socks5Response2["Granted"] = 0] = "Granted";
      Socks5Response2[Socks5Response2["Failure"] = 1] = "Failure";
      Socks5Response2[Socks5Response2["NotAllowed"] = 2] = "NotAllowed";
      Socks5Response2[Socks5Response2["NetworkUnreachable"] = 3] = "NetworkUnreachable";
      Socks5Response2[Socks5Response2["HostUnreachable"] = 4] = "HostUnreachable";
      Socks5Response2[Socks5Response2["ConnectionRefused"] = 5] = "ConnectionRefused";
      Socks5Response2[Socks5Response2["TTLExpired"] = 6] = "TTLExpired";
      Socks5Response2[Socks5Response2["CommandNotSupported"] = 7] = "CommandNotSupported";
      Socks5Response2[Socks5Response2["AddressNotSupported"] = 8] = "AddressNotSupported";
    })(Socks5Response || (exports2.Socks5Response = Socks5Response = {}));
    var Socks5HostType;
    (function(Socks5HostType2) {
      Socks5HostType2[Socks5HostType2["IPv4"] = 1] = "IPv4";
      Socks5HostType2[Socks5HostType2["Hostname"] = 3] = "Hostname";
      Socks5HostType2[Socks5HostType2["IPv6"] = 4] = "IPv6";
    })(Socks5HostType || (exports2.Socks5HostType = Socks5HostType = {}));
    var SocksClientState;
    (function(SocksClientState2) {
      SocksClientState2[SocksClientState2["Created"] = 0] = "Created";
      SocksClientState2[SocksClientState2["Connecting"] = 1] = "Connecting";
      SocksClientState2[SocksClientState2["Connected"] = 2] = "Connected";
      SocksClientState2[SocksClientState2["SentInitialHandshake"] = 3] = "SentInitialHandshake";
      SocksClientState2[SocksClientState2["ReceivedInitialHandshakeResponse"] = 4] = "ReceivedInitialHandshakeResponse";
      SocksClientState2[SocksClientState2["SentAuthentication"] = 5] = "SentAuthentication";
      SocksClientState2[SocksClientState2["ReceivedAuthenticationResponse"] = 6] = "ReceivedAuthenticationResponse";
      SocksClientState2[SocksClientState2["SentFinalHandshake"] = 7] = "SentFinalHandshake";
      SocksClientState2[SocksClientState2["ReceivedFinalResponse"] = 8] = "ReceivedFinalResponse";
      SocksClientState2[SocksClientState2["BoundWaitingForConnection"] = 9] = "BoundWaitingForConnection";
      SocksClientState2[SocksClientState2["Established"] = 10] = "Established";
      SocksClientState2[SocksClientState2["Disconnected"] = 11] = "Disconnected";
      SocksClientState2[SocksClientState2["Error"] = 99] = "Error";
    })(SocksClientState || (exports2.SocksClientState = SocksClientState = {}));
  }
});

// node_modules/socks/build/common/util.js
var require_util = __commonJS({
  "node_modules/socks/build/common/util.js"(exports2) {
    "use strict";
    Object.defineProperty(exports2, "__esModule", { value: true });
    exports2.SocksClientError = void 0;
    exports2.shuffleArray = shuffleArray;
    var SocksClientError = class extends Error {
      static {
        __name(this, "SocksClientError");
      }
      constructor(message, options) {
        super(message);
        this.options = options;
      }
    };
    exports2.SocksClientError = SocksClientError;
    function shuffleArray(array) {
      for (let i = array.length - 1; i > 0; i--) {
        const j = Math.floor(Math.random() * (i + 1));
        [array[i], array[j]] = [array[j], array[i]];
      }
    }
    __name(shuffleArray, "shuffleArray");
  }
});

// node_modules/ip-address/dist/address-error.js
var require_address_error = __commonJS({
  "node_modules/ip-address/dist/address-error.js"(exports2) {
    "use strict";
    Object.defineProperty(exports2, "__esModule", { value: true });
    exports2.AddressError = void 0;
    var AddressError = class extends Error {
      static {
        __name(this, "AddressError");
      }
      constructor(message, parseMessage) {
        super(message);
        this.name = "AddressError";
        this.parseMessage = parseMessage;
      }
    };
    exports2.AddressError = AddressError;
  }
});

// node_modules/ip-address/dist/common.js
var require_common = __commonJS({
  "node_modules/ip-address/dist/common.js"(exports2) {
    "use strict";
    Object.defineProperty(exports2, "__esModule", { value: true });
    exports2.isInSubnet = isInSubnet;
    exports2.isHostInSubnet = isHostInSubnet;
    exports2.isGloballyReachable = isGloballyReachable;
    exports2.offsetBigInt = offsetBigInt;
    exports2.isCorrect = isCorrect;
    exports2.prefixLengthFromMask = prefixLengthFromMask;
    exports2.assertByteArray = assertByteArray;
    exports2.numberToPaddedHex = numberToPaddedHex;
    exports2.stringToPaddedHex = stringToPaddedHex;
    exports2.testBit = testBit;
    var address_error_1 = require_address_error();
    function isInSubnet(address) {
      if (this.subnetMask < address.subnetMask) {
        return false;
      }
      return isHostInSubnet.call(this, address);
    }
    __name(isInSubnet, "isInSubnet");
    function isHostInSubnet(address) {
      if (this.binaryZeroPad().length !== address.binaryZeroPad().length) {
        return false;
      }
      return this.mask(address.subnetMask) === address.mask();
    }
    __name(isHostInSubnet, "isHostInSubnet");
    function isGloballyReachable(entries) {
      let best = null;
      for (let i = 0; i < entries.length; i++) {
        const entry = entries[i];
        if (entry.reachable !== null && isHostInSubnet.call(this, entry.subnet) && (best === null || entry.subnet.subnetMask > best.subnet.subnetMask)) {
          best = entry;
        }
      }
      return best === null ? true : best.reachable;
    }
    __name(isGloballyReachable, "isGloballyReachable");
    function offsetBigInt(value, n, bits, family) {
      if (typeof n === "number" && !Number.isSafeInteger(n)) {
        throw new address_error_1.AddressError(`${family} offset must be an integer`);
      }
      if (typeof n !== "number" && typeof n !== "bigint") {
        throw new address_error_1.AddressError(`${family} offset must be an integer`);
      }
      const result = value + BigInt(n);
      if (result < BigInt(0) || result > (BigInt(1) << BigInt(bits)) - BigInt(1)) {
        throw new address_error_1.AddressError(`${family} offset leaves the address space`);
      }
      return result;
    }
    __name(offsetBigInt, "offsetBigInt");
    function isCorrect(defaultBits) {
      return /* @__PURE__ */ __name(function isCorrectForm() {
        if (this.addressMinusSuffix !== this.correctForm()) {
          return false;
        }
        if (this.subnetMask === defaultBits && !this.parsedSubnet) {
          return true;
        }
        return this.parsedSubnet === String(this.subnetMask);
      }, "isCorrectForm");
    }
    __name(isCorrect, "isCorrect");
    function prefixLengthFromMask(value, totalBits) {
      const binary = value.toString(2).padStart(totalBits, "0");
      if (binary.length > totalBits) {
        throw new address_error_1.AddressError("Invalid subnet mask.");
      }
      const firstZero = binary.indexOf("0");
      if (firstZero === -1) {
        return totalBits;
      }
      if (binary.slice(firstZero).includes("1")) {
        throw new address_error_1.AddressError("Invalid subnet mask.");
      }
      return firstZero;
    }
    __name(prefixLengthFromMask, "prefixLengthFromMask");
    function assertByteArray(bytes, byteCount, family, minimum) {
      if (bytes.length !== byteCount) {
        throw new address_error_1.AddressError(`${family} addresses require exactly ${byteCount} bytes`);
      }
      for (let i = 0; i < bytes.length; i++) {
        if (!Number.isInteger(bytes[i]) || bytes[i] < minimum || bytes[i] > 255) {
          throw new address_error_1.AddressError(`All bytes must be integers between ${minimum} and 255`);
        }
      }
    }
    __name(assertByteArray, "assertByteArray");
    function numberToPaddedHex(number) {
      return number.toString(16).padStart(2, "0");
    }
    __name(numberToPaddedHex, "numberToPaddedHex");
    function stringToPaddedHex(numberString) {
      return numberToPaddedHex(parseInt(numberString, 10));
    }
    __name(stringToPaddedHex, "stringToPaddedHex");
    function testBit(binaryValue, position) {
      const { length } = binaryValue;
      if (position >= length) {
        return false;
      }
      const positionInString = length - position - 1;
      return binaryValue.substring(positionInString, positionInString + 1) === "1";
    }
    __name(testBit, "testBit");
  }
});

// node_modules/ip-address/dist/v4/constants.js
var require_constants2 = __commonJS({
  "node_modules/ip-address/dist/v4/constants.js"(exports2) {
    "use strict";
    Object.defineProperty(exports2, "__esModule", { value: true });
    exports2.SPECIAL_PURPOSE = exports2.RE_SUBNET_STRING = exports2.RE_ADDRESS = exports2.GROUPS = exports2.BITS = void 0;
    exports2.BITS = 32;
    exports2.GROUPS = 4;
    exports2.RE_ADDRESS = /^(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])$/g;
    exports2.RE_SUBNET_STRING = /\/\d{1,2}$/;
    exports2.SPECIAL_PURPOSE = [
      ["0.0.0.0/8", "This network", false],
      ["0.0.0.0/32", "This host on this network", false],
      ["10.0.0.0/8", "Private-Use", false],
      ["100.64.0.0/10", "Shared Address Space", false],
      ["127.0.0.0/8", "Loopback", false],
      ["169.254.0.0/16", "Link Local", false],
      ["172.16.0.0/12", "Private-Use", false],
      ["192.0.0.0/24", "IETF Protocol Assignments", false],
      ["192.0.0.0/29", "IPv4 Service Continuity Prefix", false],
      ["192.0.0.8/32", "IPv4 dummy address", false],
      ["192.0.0.9/32", "Port Control Protocol Anycast", true],
      ["192.0.0.10/32", "Traversal Using Relays around NAT Anycast", true],
      ["192.0.0.170/32", "NAT64/DNS64 Discovery", false],
      ["192.0.0.171/32", "NAT64/DNS64 Discovery", false],
      ["192.0.2.0/24", "Documentation (TEST-NET-1)", false],
      ["192.31.196.0/24", "AS112-v4", true],
      ["192.52.193.0/24", "AMT", true],
      ["192.88.99.0/24", "Deprecated (6to4 Relay Anycast)", null],
      ["192.88.99.2/32", "6a44-relay anycast address", false],
      ["192.168.0.0/16", "Private-Use", false],
      ["192.175.48.0/24", "Direct Delegation AS112 Service", true],
      ["198.18.0.0/15", "Benchmarking", false],
      ["198.51.100.0/24", "Documentation (TEST-NET-2)", false],
      ["203.0.113.0/24", "Documentation (TEST-NET-3)", false],
      ["240.0.0.0/4", "Reserved", false],
      ["255.255.255.255/32", "Limited Broadcast", false]
    ];
  }
});

// node_modules/ip-address/dist/ipv4.js
var require_ipv4 = __commonJS({
  "node_modules/ip-address/dist/ipv4.js"(exports2) {
    "use strict";
    var __createBinding = exports2 && exports2.__createBinding || (Object.create ? (function(o, m, k, k2) {
      if (k2 === void 0) k2 = k;
      var desc = Object.getOwnPropertyDescriptor(m, k);
      if (!desc || ("get" in desc ? !m.__esModule : desc.writable || desc.configurable)) {
        desc = { enumerable: true, get: /* @__PURE__ */ __name(function() {
          return m[k];
        }, "get") };
      }
      Object.defineProperty(o, k2, desc);
    }) : (function(o, m, k, k2) {
      if (k2 === void 0) k2 = k;
      o[k2] = m[k];
    }));
    var __setModuleDefault = exports2 && exports2.__setModuleDefault || (Object.create ? (function(o, v) {
      Object.defineProperty(o, "default", { enumerable: true, value: v });
    }) : function(o, v) {
      o["default"] = v;
    });
    var __importStar = exports2 && exports2.__importStar || function(mod2) {
      if (mod2 && mod2.__esModule) return mod2;
      var result = {};
      if (mod2 != null) {
        for (var k in mod2) if (k !== "default" && Object.prototype.hasOwnProperty.call(mod2, k)) __createBinding(result, mod2, k);
      }
      __setModuleDefault(result, mod2);
      return result;
    };
    Object.defineProperty(exports2, "__esModule", { value: true });
    exports2.Address4 = void 0;
    var common = __importStar(require_common());
    var constants4 = __importStar(require_constants2());
    var address_error_1 = require_address_error();
    var isCorrect4 = common.isCorrect(constants4.BITS);
    var Address4 = class _Address4 {
      static {
        __name(this, "Address4");
      }
      constructor(address) {
        this.addressMinusSuffix = "";
        this.groups = constants4.GROUPS;
        this.parsedAddress = [];
        this.parsedSubnet = "";
        this.subnet = "/32";
        this.subnetMask = 32;
        this.v4 = true;
        this.isCorrect = isCorrect4;
        this.isInSubnet = common.isInSubnet;
        this.isHostInSubnet = common.isHostInSubnet;
        this.address = address;
        const subnet = constants4.RE_SUBNET_STRING.exec(address);
        if (subnet) {
          this.parsedSubnet = subnet[0].replace("/", "");
          this.subnetMask = parseInt(this.parsedSubnet, 10);
          this.subnet = `/${this.subnetMask}`;
          if (this.subnetMask < 0 || this.subnetMask > constants4.BITS) {
            throw new address_error_1.AddressError("Invalid subnet mask.");
          }
          address = address.replace(constants4.RE_SUBNET_STRING, "");
        }
        const longest = constants4.GROUPS * 4 - 1;
        if (address.length > longest) {
          throw new address_error_1.AddressError(`IPv4 addresses are at most ${longest} characters.`);
        }
        this.addressMinusSuffix = address;
        this.parsedAddress = this.parse(address);
      }
      /**
       * Returns true if the given string is a valid IPv4 address (with optional
       * CIDR subnet), false otherwise. Host bits in the subnet portion are
       * allowed (e.g. `192.168.1.5/24` is valid); for strict network-address
       * validation compare `correctForm()` to `startAddress().correctForm()`,
       * or use `networkForm()`.
       */
      static isValid(address) {
        try {
          new _Address4(address);
          return true;
        } catch {
          return false;
        }
      }
      /**
       * Parses an IPv4 address string into its four octet groups and stores the
       * result on `this.parsedAddress`. Called automatically by the constructor;
       * you typically don't need to call it directly. Throws `AddressError` if
       * the input is not a valid IPv4 address.
       */
      parse(address) {
        const groups = address.split(".");
        if (groups.some((group) => /^0\d/.test(group))) {
          throw new address_error_1.AddressError("IPv4 addresses can't have leading zeroes.");
        }
        if (!address.match(constants4.RE_ADDRESS)) {
          throw new address_error_1.AddressError("Invalid IPv4 address.");
        }
        return groups;
      }
      /**
       * Returns the address in correct form: octets joined with `.` and any
       * leading zeros stripped (e.g. `192.168.1.1`). For IPv4 this matches the
       * canonical dotted-decimal representation.
       */
      correctForm() {
        return this.parsedAddress.map((part) => parseInt(part, 10)).join(".");
      }
      /**
       * Construct an `Address4` from an address and a dotted-decimal subnet
       * mask given as separate strings (e.g. as returned by Node's
       * `os.networkInterfaces()`). Throws `AddressError` if the mask is
       * non-contiguous (e.g. `255.0.255.0`).
       * @example
       * var address = Address4.fromAddressAndMask('192.168.1.1', '255.255.255.0');
       * address.subnetMask; // 24
       */
      static fromAddressAndMask(address, mask) {
        const bits = common.prefixLengthFromMask(new _Address4(mask).bigInt(), constants4.BITS);
        return new _Address4(`${address}/${bits}`);
      }
      /**
       * Construct an `Address4` from an address and a Cisco-style wildcard mask
       * given as separate strings (e.g. `0.0.0.255` for a `/24`). The wildcard
       * mask is the bitwise inverse of the subnet mask. Throws `AddressError`
       * if the mask is non-contiguous (e.g. `0.255.0.255`).
       * @example
       * var address = Address4.fromAddressAndWildcardMask('10.0.0.1', '0.0.0.255');
       * address.subnetMask; // 24
       */
      static fromAddressAndWildcardMask(address, wildcardMask) {
        const wildcard = new _Address4(wildcardMask).bigInt();
        const allOnes = (BigInt(1) << BigInt(constants4.BITS)) - BigInt(1);
        const mask = wildcard ^ allOnes;
        const bits = common.prefixLengthFromMask(mask, constants4.BITS);
        return new _Address4(`${address}/${bits}`);
      }
      /**
       * Construct an `Address4` from a wildcard pattern with trailing `*`
       * octets. The number of trailing wildcards determines the prefix
       * length: each `*` represents 8 bits.
       *
       * Only trailing whole-octet wildcards are supported. Partial-octet
       * wildcards (e.g. `192.168.0.1*`) and interior wildcards (e.g.
       * `192.*.0.1`) throw `AddressError`.
       * @example
       * Address4.fromWildcard('192.168.0.*').subnet;   // '/24'
       * Address4.fromWildcard('192.168.*.*').subnet;   // '/16'
       * Address4.fromWildcard('*.*.*.*').subnet;       // '/0'
       */
      static fromWildcard(input) {
        const groups = input.split(".");
        if (groups.length !== constants4.GROUPS) {
          throw new address_error_1.AddressError("Wildcard pattern must have 4 octets");
        }
        let firstWildcard = -1;
        for (let i = 0; i < groups.length; i++) {
          if (groups[i] === "*") {
            if (firstWildcard === -1) {
              firstWildcard = i;
            }
          } else if (firstWildcard !== -1) {
            throw new address_error_1.AddressError("Wildcard `*` must only appear in trailing octets (e.g. `192.168.0.*`)");
          }
        }
        const trailing = firstWildcard === -1 ? 0 : groups.length - firstWildcard;
        const replaced = groups.map((g) => g === "*" ? "0" : g);
        const subnetBits = constants4.BITS - trailing * 8;
        return new _Address4(`${replaced.join(".")}/${subnetBits}`);
      }
      /**
       * Converts a hex string to an IPv4 address object. Accepts 8 hex digits
       * with optional `:` separators (e.g. `'7f000001'` or `'7f:00:00:01'`).
       * Throws `AddressError` for any other length or for non-hex characters.
       * @param {string} hex - a hex string to convert
       * @returns {Address4}
       */
      static fromHex(hex) {
        const stripped = hex.replace(/:/g, "");
        if (!/^[0-9a-fA-F]{8}$/.test(stripped)) {
          throw new address_error_1.AddressError("IPv4 hex must be exactly 8 hex digits");
        }
        const groups = [];
        for (let i = 0; i < 8; i += 2) {
          groups.push(parseInt(stripped.slice(i, i + 2), 16));
        }
        return new _Address4(groups.join("."));
      }
      /**
       * Converts an integer into a IPv4 address object. The integer must be a
       * non-negative safe integer in the range `[0, 2**32 - 1]`; otherwise
       * `AddressError` is thrown.
       * @param {integer} integer - a number to convert
       * @returns {Address4}
       */
      static fromInteger(integer) {
        if (!Number.isInteger(integer) || integer < 0 || integer > 4294967295) {
          throw new address_error_1.AddressError("IPv4 integer must be in the range 0 to 2**32 - 1");
        }
        return _Address4.fromHex(integer.toString(16).padStart(8, "0"));
      }
      /**
       * Return an address from in-addr.arpa form: the four octets reversed, with
       * or without the `.in-addr.arpa` suffix and root dot, in any case. Throws
       * `AddressError` unless the reversed labels form a valid IPv4 address, so
       * `fromArpa(x.reverseForm())` round-trips {@link reverseForm}.
       * @param {string} arpaFormAddress - an 'in-addr.arpa' form ipv4 address
       * @returns {Adress4}
       * @example
       * var address = Address4.fromArpa('42.2.0.192.in-addr.arpa.')
       * address.correctForm(); // '192.0.2.42'
       */
      static fromArpa(arpaFormAddress) {
        const longest = constants4.GROUPS * 4 - 1 + "/32".length + ".in-addr.arpa.".length;
        if (arpaFormAddress.length > longest) {
          throw new address_error_1.AddressError(`in-addr.arpa names are at most ${longest} characters.`);
        }
        const leader = arpaFormAddress.replace(/(\.in-addr\.arpa)?\.?$/i, "");
        const address = leader.split(".").reverse().join(".");
        return new _Address4(address);
      }
      /**
       * Converts an IPv4 address object to a hex string
       * @returns {String}
       */
      toHex() {
        return this.parsedAddress.map((part) => common.stringToPaddedHex(part)).join(":");
      }
      /**
       * Converts an IPv4 address object to an array of bytes.
       *
       * To get a Node.js `Buffer`, wrap the result: `Buffer.from(address.toArray())`.
       * @returns {Array}
       */
      toArray() {
        return this.parsedAddress.map((part) => parseInt(part, 10));
      }
      /**
       * Converts an IPv4 address object to an IPv6 address group
       * @returns {String}
       */
      toGroup6() {
        const output = [];
        let i;
        for (i = 0; i < constants4.GROUPS; i += 2) {
          output.push(`${common.stringToPaddedHex(this.parsedAddress[i])}${common.stringToPaddedHex(this.parsedAddress[i + 1])}`);
        }
        return output.join(":");
      }
      /**
       * Returns the address as a `bigint`
       * @returns {bigint}
       */
      bigInt() {
        return BigInt(`0x${this.parsedAddress.map((n) => common.stringToPaddedHex(n)).join("")}`);
      }
      /**
       * Helper function getting start address.
       * @returns {bigint}
       */
      _startAddress() {
        return BigInt(`0b${this.mask() + "0".repeat(constants4.BITS - this.subnetMask)}`);
      }
      /**
       * The first address in the range given by this address' subnet.
       * Often referred to as the Network Address.
       * @returns {Address4}
       */
      startAddress() {
        return _Address4.fromBigInt(this._startAddress());
      }
      /**
       * The first host address in the range given by this address's subnet ie
       * the first address after the Network Address
       * @returns {Address4}
       */
      startAddressExclusive() {
        const adjust = BigInt("1");
        return _Address4.fromBigInt(this._startAddress() + adjust);
      }
      /**
       * Returns the address `n` addresses after this one (or before, when `n` is
       * negative), keeping this address's subnet mask. Throws `AddressError` when
       * the result would fall outside the IPv4 address space or `n` is not an
       * integer.
       * @param {number | bigint} n
       * @returns {Address4}
       * @example
       * new Address4('10.0.0.0/24').offset(1).correctForm(); // '10.0.0.1'
       */
      offset(n) {
        return _Address4.fromBigInt(common.offsetBigInt(this.bigInt(), n, constants4.BITS, "IPv4")).withSubnetMask(this.subnetMask);
      }
      /**
       * Returns the network that follows this address's network: the address after
       * {@link endAddress}, with the same subnet mask. Throws `AddressError` when
       * this network is the last one in the address space.
       * @returns {Address4}
       * @example
       * new Address4('10.0.0.0/24').nextNetwork().networkForm(); // '10.0.1.0/24'
       */
      nextNetwork() {
        return _Address4.fromBigInt(common.offsetBigInt(this._endAddress(), 1, constants4.BITS, "IPv4")).withSubnetMask(this.subnetMask);
      }
      withSubnetMask(subnetMask) {
        return new _Address4(`${this.correctForm()}/${subnetMask}`);
      }
      /**
       * Helper function getting end address.
       * @returns {bigint}
       */
      _endAddress() {
        return BigInt(`0b${this.mask() + "1".repeat(constants4.BITS - this.subnetMask)}`);
      }
      /**
       * The last address in the range given by this address' subnet
       * Often referred to as the Broadcast
       * @returns {Address4}
       */
      endAddress() {
        return _Address4.fromBigInt(this._endAddress());
      }
      /**
       * The last host address in the range given by this address's subnet ie
       * the last address prior to the Broadcast Address
       * @returns {Address4}
       */
      endAddressExclusive() {
        const adjust = BigInt("1");
        return _Address4.fromBigInt(this._endAddress() - adjust);
      }
      /**
       * The dotted-decimal form of the subnet mask, e.g. `255.255.240.0` for
       * a `/20`. Returns an `Address4`; call `.correctForm()` for the string.
       * @returns {Address4}
       */
      subnetMaskAddress() {
        return _Address4.fromBigInt(BigInt(`0b${"1".repeat(this.subnetMask)}${"0".repeat(constants4.BITS - this.subnetMask)}`));
      }
      /**
       * The Cisco-style wildcard mask, e.g. `0.0.0.255` for a `/24`. This is
       * the bitwise inverse of `subnetMaskAddress()`. Returns an `Address4`;
       * call `.correctForm()` for the string.
       * @returns {Address4}
       */
      wildcardMask() {
        return _Address4.fromBigInt(BigInt(`0b${"0".repeat(this.subnetMask)}${"1".repeat(constants4.BITS - this.subnetMask)}`));
      }
      /**
       * The network address in CIDR string form, e.g. `192.168.1.0/24` for
       * `192.168.1.5/24`. For an address with no explicit subnet the prefix is
       * `/32`, e.g. `networkForm()` on `192.168.1.5` returns `192.168.1.5/32`.
       * @returns {string}
       */
      networkForm() {
        return `${this.startAddress().correctForm()}/${this.subnetMask}`;
      }
      /**
       * Converts a BigInt to a v4 address object. The value must be in the
       * range `[0, 2**32 - 1]`; otherwise `AddressError` is thrown.
       * @param {bigint} bigInt - a BigInt to convert
       * @returns {Address4}
       */
      static fromBigInt(bigInt) {
        if (bigInt < BigInt(0) || bigInt > BigInt(4294967295)) {
          throw new address_error_1.AddressError("IPv4 BigInt must be in the range 0 to 2**32 - 1");
        }
        return _Address4.fromHex(bigInt.toString(16).padStart(8, "0"));
      }
      /**
       * Convert a byte array to an Address4 object. Throws `AddressError` unless
       * given exactly 4 integers from 0 to 255. Signed bytes are rejected, so
       * this differs from `Address6.fromByteArray`, which folds them; the two
       * contracts converge on this stricter form in the next major version.
       *
       * To convert from a Node.js `Buffer`, spread it: `Address4.fromByteArray([...buf])`.
       * @param {Array<number>} bytes - an array of 4 bytes (0-255)
       * @returns {Address4}
       */
      static fromByteArray(bytes) {
        common.assertByteArray(bytes, 4, "IPv4", 0);
        return this.fromUnsignedByteArray(bytes);
      }
      /**
       * Convert an unsigned byte array to an Address4 object. Throws
       * `AddressError` unless given exactly 4 bytes, and rejects values outside
       * 0 to 255 when parsing the resulting address.
       *
       * To convert from a Node.js `Buffer`, spread it:
       * `Address4.fromUnsignedByteArray([...buf])`.
       * @param {Array<number>} bytes - an array of 4 unsigned bytes (0-255)
       * @returns {Address4}
       */
      static fromUnsignedByteArray(bytes) {
        if (bytes.length !== 4) {
          throw new address_error_1.AddressError("IPv4 addresses require exactly 4 bytes");
        }
        const address = bytes.join(".");
        return new _Address4(address);
      }
      /**
       * Returns the first n bits of the address, defaulting to the
       * subnet mask
       * @returns {String}
       */
      mask(mask) {
        if (mask === void 0) {
          mask = this.subnetMask;
        }
        return this.getBitsBase2(0, mask);
      }
      /**
       * Returns the bits in the given range as a base-2 string
       * @returns {string}
       */
      getBitsBase2(start3, end2) {
        return this.binaryZeroPad().slice(start3, end2);
      }
      /**
       * Return the reversed in-addr.arpa form of the address, e.g.
       * `42.2.0.192.in-addr.arpa.` for `192.0.2.42`.
       * @param {Object} options
       * @param {boolean} options.omitSuffix - omit the "in-addr.arpa" suffix
       * @returns {String}
       */
      reverseForm(options) {
        if (!options) {
          options = {};
        }
        const reversed = this.correctForm().split(".").reverse().join(".");
        if (options.omitSuffix) {
          return reversed;
        }
        return `${reversed}.in-addr.arpa.`;
      }
      /**
       * Returns true if the given address is a multicast address
       * @returns {boolean}
       */
      isMulticast() {
        return this.isHostInSubnet(MULTICAST_V4);
      }
      /**
       * Returns true if the address is in one of the [RFC 1918](https://datatracker.ietf.org/doc/html/rfc1918) private address ranges (`10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16`).
       * @returns {boolean}
       */
      isPrivate() {
        return PRIVATE_V4.some((subnet) => this.isHostInSubnet(subnet));
      }
      /**
       * Returns true if the address is in the loopback range `127.0.0.0/8` ([RFC 1122](https://datatracker.ietf.org/doc/html/rfc1122)).
       * @returns {boolean}
       */
      isLoopback() {
        return this.isHostInSubnet(LOOPBACK_V4);
      }
      /**
       * Returns true if the address is in the link-local range `169.254.0.0/16` ([RFC 3927](https://datatracker.ietf.org/doc/html/rfc3927)).
       * @returns {boolean}
       */
      isLinkLocal() {
        return this.isHostInSubnet(LINK_LOCAL_V4);
      }
      /**
       * Returns true if the address is the unspecified address `0.0.0.0`.
       * @returns {boolean}
       */
      isUnspecified() {
        return this.isHostInSubnet(UNSPECIFIED_V4);
      }
      /**
       * Returns true if the address is the limited broadcast address `255.255.255.255` ([RFC 919](https://datatracker.ietf.org/doc/html/rfc919)).
       * @returns {boolean}
       */
      isBroadcast() {
        return this.isHostInSubnet(BROADCAST_V4);
      }
      /**
       * Returns true if the address is in the carrier-grade NAT range `100.64.0.0/10` ([RFC 6598](https://datatracker.ietf.org/doc/html/rfc6598)).
       * @returns {boolean}
       */
      isCGNAT() {
        return this.isHostInSubnet(CGNAT_V4);
      }
      /**
       * Returns true if the address is in one of the documentation ranges
       * `192.0.2.0/24`, `198.51.100.0/24`, or `203.0.113.0/24` ([RFC 5737](https://datatracker.ietf.org/doc/html/rfc5737)).
       * @returns {boolean}
       */
      isDocumentation() {
        return DOCUMENTATION_V4.some((subnet) => this.isHostInSubnet(subnet));
      }
      /**
       * Returns true if the address is in the benchmarking range `198.18.0.0/15` ([RFC 2544](https://datatracker.ietf.org/doc/html/rfc2544)).
       * @returns {boolean}
       */
      isBenchmarking() {
        return this.isHostInSubnet(BENCHMARKING_V4);
      }
      /**
       * Returns true if the address is in the reserved range `240.0.0.0/4` ([RFC 1112](https://datatracker.ietf.org/doc/html/rfc1112)),
       * which includes the limited broadcast address.
       * @returns {boolean}
       */
      isReserved() {
        return this.isHostInSubnet(RESERVED_V4);
      }
      /**
       * Returns true if the address is globally reachable: not multicast, and not
       * in any block the [IANA IPv4 Special-Purpose Address Registry](https://www.iana.org/assignments/iana-ipv4-special-registry/)
       * marks as not globally reachable. That covers everything the individual
       * classifiers name (private, loopback, link-local, CGNAT, unspecified,
       * broadcast, documentation, benchmarking, reserved) and the blocks they do
       * not, such as `0.0.0.0/8` and the IETF protocol assignments in
       * `192.0.0.0/24`. This is the single predicate to use where a request must
       * not reach an internal or special-purpose destination; see SECURITY.md.
       * @returns {boolean}
       */
      isGlobal() {
        return !this.isMulticast() && common.isGloballyReachable.call(this, SPECIAL_PURPOSE_V4);
      }
      /**
       * Returns a zero-padded base-2 string representation of the address
       * @returns {string}
       */
      binaryZeroPad() {
        if (this._binaryZeroPad === void 0) {
          this._binaryZeroPad = this.bigInt().toString(2).padStart(constants4.BITS, "0");
        }
        return this._binaryZeroPad;
      }
      /**
       * Groups an IPv4 address for inclusion at the end of an IPv6 address.
       *
       * Returns an HTML fragment: each half of the address is wrapped in a
       * `<span>` carrying the group classes an address-inspector UI hovers on.
       * The address content is HTML-escaped; anything you concatenate around it
       * is your responsibility.
       * @returns {String}
       */
      groupForV6() {
        const segments = this.parsedAddress;
        return this.correctForm().replace(constants4.RE_ADDRESS, `<span class="hover-group group-v4 group-6">${segments.slice(0, 2).join(".")}</span>.<span class="hover-group group-v4 group-7">${segments.slice(2, 4).join(".")}</span>`);
      }
    };
    exports2.Address4 = Address4;
    var MULTICAST_V4 = new Address4("224.0.0.0/4");
    var PRIVATE_V4 = [
      new Address4("10.0.0.0/8"),
      new Address4("172.16.0.0/12"),
      new Address4("192.168.0.0/16")
    ];
    var LOOPBACK_V4 = new Address4("127.0.0.0/8");
    var LINK_LOCAL_V4 = new Address4("169.254.0.0/16");
    var UNSPECIFIED_V4 = new Address4("0.0.0.0/32");
    var BROADCAST_V4 = new Address4("255.255.255.255/32");
    var CGNAT_V4 = new Address4("100.64.0.0/10");
    var DOCUMENTATION_V4 = [
      new Address4("192.0.2.0/24"),
      new Address4("198.51.100.0/24"),
      new Address4("203.0.113.0/24")
    ];
    var BENCHMARKING_V4 = new Address4("198.18.0.0/15");
    var RESERVED_V4 = new Address4("240.0.0.0/4");
    var SPECIAL_PURPOSE_V4 = constants4.SPECIAL_PURPOSE.map(([cidr, , reachable]) => ({
      subnet: new Address4(cidr),
      reachable
    }));
  }
});

// node_modules/ip-address/dist/v6/constants.js
var require_constants3 = __commonJS({
  "node_modules/ip-address/dist/v6/constants.js"(exports2) {
    "use strict";
    Object.defineProperty(exports2, "__esModule", { value: true });
    exports2.SPECIAL_PURPOSE = exports2.RE_URL_WITH_PORT = exports2.RE_URL = exports2.RE_ZONE_STRING = exports2.RE_SUBNET_STRING = exports2.RE_BAD_ADDRESS = exports2.RE_BAD_CHARACTERS = exports2.TYPES = exports2.SCOPES = exports2.GROUPS = exports2.BITS = void 0;
    exports2.BITS = 128;
    exports2.GROUPS = 8;
    exports2.SCOPES = {
      0: "Reserved",
      1: "Interface local",
      2: "Link local",
      4: "Admin local",
      5: "Site local",
      8: "Organization local",
      14: "Global",
      15: "Reserved"
    };
    exports2.TYPES = {
      "ff01::1/128": "Multicast (All nodes on this interface)",
      "ff01::2/128": "Multicast (All routers on this interface)",
      "ff02::1/128": "Multicast (All nodes on this link)",
      "ff02::2/128": "Multicast (All routers on this link)",
      "ff05::2/128": "Multicast (All routers in this site)",
      "ff02::5/128": "Multicast (OSPFv3 AllSPF routers)",
      "ff02::6/128": "Multicast (OSPFv3 AllDR routers)",
      "ff02::9/128": "Multicast (RIP routers)",
      "ff02::a/128": "Multicast (EIGRP routers)",
      "ff02::d/128": "Multicast (PIM routers)",
      "ff02::16/128": "Multicast (MLDv2 reports)",
      "ff01::fb/128": "Multicast (mDNSv6)",
      "ff02::fb/128": "Multicast (mDNSv6)",
      "ff05::fb/128": "Multicast (mDNSv6)",
      "ff02::1:2/128": "Multicast (All DHCP servers and relay agents on this link)",
      "ff05::1:2/128": "Multicast (All DHCP servers and relay agents in this site)",
      "ff02::1:3/128": "Multicast (All DHCP servers on this link)",
      "ff05::1:3/128": "Multicast (All DHCP servers in this site)",
      "::/128": "Unspecified",
      "::1/128": "Loopback",
      "::ffff:0:0/96": "IPv4-mapped",
      "ff00::/8": "Multicast",
      "fe80::/10": "Link-local unicast",
      "fc00::/7": "Unique local",
      "2001::/32": "Teredo",
      "2001:2::/48": "Benchmarking",
      "2002::/16": "6to4",
      "2001:db8::/32": "Documentation",
      "3fff::/20": "Documentation",
      "100::/64": "Discard-only",
      "fec0::/10": "Site-local unicast (deprecated)",
      "::/96": "IPv4-compatible (deprecated)",
      "64:ff9b::/96": "NAT64 (well-known)",
      "64:ff9b:1::/48": "NAT64 (local-use)"
    };
    exports2.RE_BAD_CHARACTERS = /([^0-9a-f:/%])/gi;
    exports2.RE_BAD_ADDRESS = /([0-9a-f]{5,}|:{3,}|[^:]:$|^:[^:]|\/$)/gi;
    exports2.RE_SUBNET_STRING = /\/\d{1,3}(?=%|$)/;
    exports2.RE_ZONE_STRING = /%.*$/;
    exports2.RE_URL = /^(?:\[([0-9a-f:.]+)\]|([0-9a-f:.]+))(?:[/?#].*)?$/i;
    exports2.RE_URL_WITH_PORT = /^\[([0-9a-f:.]+)\]:([0-9]{1,5})(?:[/?#].*)?$/i;
    exports2.SPECIAL_PURPOSE = [
      ["::1/128", "Loopback Address", false],
      ["::/128", "Unspecified Address", false],
      ["::ffff:0:0/96", "IPv4-mapped Address", false],
      ["64:ff9b::/96", "IPv4-IPv6 Translat.", true],
      ["64:ff9b:1::/48", "IPv4-IPv6 Translat.", false],
      ["100::/64", "Discard-Only Address Block", false],
      ["100:0:0:1::/64", "Dummy IPv6 Prefix", false],
      ["2001::/23", "IETF Protocol Assignments", false],
      ["2001::/32", "TEREDO", false],
      ["2001:1::1/128", "Port Control Protocol Anycast", true],
      ["2001:1::2/128", "Traversal Using Relays around NAT Anycast", true],
      ["2001:1::3/128", "DNS-SD Service Registration Protocol Anycast", true],
      ["2001:2::/48", "Benchmarking", false],
      ["2001:3::/32", "AMT", true],
      ["2001:4:112::/48", "AS112-v6", true],
      ["2001:10::/28", "Deprecated (previously ORCHID)", null],
      ["2001:20::/28", "ORCHIDv2", true],
      ["2001:30::/28", "Drone Remote ID Protocol Entity Tags (DETs) Prefix", true],
      ["2001:db8::/32", "Documentation", false],
      ["2002::/16", "6to4", false],
      ["2620:4f:8000::/48", "Direct Delegation AS112 Service", true],
      ["3fff::/20", "Documentation", false],
      ["5f00::/16", "Segment Routing (SRv6) SIDs", false],
      ["fc00::/7", "Unique-Local", false],
      ["fe80::/10", "Link-Local Unicast", false]
    ];
  }
});

// node_modules/ip-address/dist/v6/helpers.js
var require_helpers = __commonJS({
  "node_modules/ip-address/dist/v6/helpers.js"(exports2) {
    "use strict";
    Object.defineProperty(exports2, "__esModule", { value: true });
    exports2.escapeHtml = escapeHtml;
    exports2.spanAllZeroes = spanAllZeroes;
    exports2.spanAll = spanAll;
    exports2.spanLeadingZeroes = spanLeadingZeroes;
    exports2.simpleGroup = simpleGroup;
    function escapeHtml(s) {
      return s.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;").replace(/'/g, "&#39;");
    }
    __name(escapeHtml, "escapeHtml");
    function spanAllZeroes(s) {
      return escapeHtml(s).replace(/(0+)/g, '<span class="zero">$1</span>');
    }
    __name(spanAllZeroes, "spanAllZeroes");
    function spanAll(s, offset = 0) {
      const letters = s.split("");
      return letters.map((n, i) => `<span class="digit value-${escapeHtml(n)} position-${i + offset}">${spanAllZeroes(n)}</span>`).join("");
    }
    __name(spanAll, "spanAll");
    function spanLeadingZeroesSimple(group) {
      return escapeHtml(group).replace(/^(0+)/, '<span class="zero">$1</span>');
    }
    __name(spanLeadingZeroesSimple, "spanLeadingZeroesSimple");
    function spanLeadingZeroes(address) {
      const groups = address.split(":");
      return groups.map((g) => spanLeadingZeroesSimple(g)).join(":");
    }
    __name(spanLeadingZeroes, "spanLeadingZeroes");
    function simpleGroup(addressString, offset = 0) {
      const groups = addressString.split(":");
      return groups.map((g, i) => {
        if (/group-v4/.test(g)) {
          return g;
        }
        return `<span class="hover-group group-${i + offset}">${spanLeadingZeroesSimple(g)}</span>`;
      });
    }
    __name(simpleGroup, "simpleGroup");
  }
});

// node_modules/ip-address/dist/v6/regular-expressions.js
var require_regular_expressions = __commonJS({
  "node_modules/ip-address/dist/v6/regular-expressions.js"(exports2) {
    "use strict";
    var __createBinding = exports2 && exports2.__createBinding || (Object.create ? (function(o, m, k, k2) {
      if (k2 === void 0) k2 = k;
      var desc = Object.getOwnPropertyDescriptor(m, k);
      if (!desc || ("get" in desc ? !m.__esModule : desc.writable || desc.configurable)) {
        desc = { enumerable: true, get: /* @__PURE__ */ __name(function() {
          return m[k];
        }, "get") };
      }
      Object.defineProperty(o, k2, desc);
    }) : (function(o, m, k, k2) {
      if (k2 === void 0) k2 = k;
      o[k2] = m[k];
    }));
    var __setModuleDefault = exports2 && exports2.__setModuleDefault || (Object.create ? (function(o, v) {
      Object.defineProperty(o, "default", { enumerable: true, value: v });
    }) : function(o, v) {
      o["default"] = v;
    });
    var __importStar = exports2 && exports2.__importStar || function(mod2) {
      if (mod2 && mod2.__esModule) return mod2;
      var result = {};
      if (mod2 != null) {
        for (var k in mod2) if (k !== "default" && Object.prototype.hasOwnProperty.call(mod2, k)) __createBinding(result, mod2, k);
      }
      __setModuleDefault(result, mod2);
      return result;
    };
    Object.defineProperty(exports2, "__esModule", { value: true });
    exports2.ADDRESS_BOUNDARY = void 0;
    exports2.groupPossibilities = groupPossibilities;
    exports2.padGroup = padGroup;
    exports2.simpleRegularExpression = simpleRegularExpression;
    exports2.possibleElisions = possibleElisions;
    var v6 = __importStar(require_constants3());
    function groupPossibilities(possibilities) {
      return `(${possibilities.join("|")})`;
    }
    __name(groupPossibilities, "groupPossibilities");
    function padGroup(group) {
      if (group.length < 4) {
        return `0{0,${4 - group.length}}${group}`;
      }
      return group;
    }
    __name(padGroup, "padGroup");
    exports2.ADDRESS_BOUNDARY = "[^A-Fa-f0-9:]";
    function simpleRegularExpression(groups) {
      const zeroIndexes = [];
      groups.forEach((group, i) => {
        const groupInteger = parseInt(group, 16);
        if (groupInteger === 0) {
          zeroIndexes.push(i);
        }
      });
      const possibilities = zeroIndexes.map((zeroIndex) => groups.map((group, i) => {
        if (i === zeroIndex) {
          const elision = i === 0 || i === v6.GROUPS - 1 ? ":" : "";
          return groupPossibilities([padGroup(group), elision]);
        }
        return padGroup(group);
      }).join(":"));
      possibilities.push(groups.map(padGroup).join(":"));
      return groupPossibilities(possibilities);
    }
    __name(simpleRegularExpression, "simpleRegularExpression");
    function possibleElisions(elidedGroups, moreLeft, moreRight) {
      const left2 = moreLeft ? "" : ":";
      const right = moreRight ? "" : ":";
      const possibilities = [];
      if (!moreLeft && !moreRight) {
        possibilities.push("::");
      }
      if (moreLeft && moreRight) {
        possibilities.push("");
      }
      if (moreRight && !moreLeft || !moreRight && moreLeft) {
        possibilities.push(":");
      }
      possibilities.push(`${left2}(:0{1,4}){1,${elidedGroups - 1}}`);
      possibilities.push(`(0{1,4}:){1,${elidedGroups - 1}}${right}`);
      possibilities.push(`(0{1,4}:){${elidedGroups - 1}}0{1,4}`);
      for (let groups = 1; groups < elidedGroups - 1; groups++) {
        for (let position = 1; position < elidedGroups - groups; position++) {
          possibilities.push(`(0{1,4}:){${position}}:(0{1,4}:){${elidedGroups - position - groups - 1}}0{1,4}`);
        }
      }
      return groupPossibilities(possibilities);
    }
    __name(possibleElisions, "possibleElisions");
  }
});

// node_modules/ip-address/dist/ipv6.js
var require_ipv6 = __commonJS({
  "node_modules/ip-address/dist/ipv6.js"(exports2) {
    "use strict";
    var __createBinding = exports2 && exports2.__createBinding || (Object.create ? (function(o, m, k, k2) {
      if (k2 === void 0) k2 = k;
      var desc = Object.getOwnPropertyDescriptor(m, k);
      if (!desc || ("get" in desc ? !m.__esModule : desc.writable || desc.configurable)) {
        desc = { enumerable: true, get: /* @__PURE__ */ __name(function() {
          return m[k];
        }, "get") };
      }
      Object.defineProperty(o, k2, desc);
    }) : (function(o, m, k, k2) {
      if (k2 === void 0) k2 = k;
      o[k2] = m[k];
    }));
    var __setModuleDefault = exports2 && exports2.__setModuleDefault || (Object.create ? (function(o, v) {
      Object.defineProperty(o, "default", { enumerable: true, value: v });
    }) : function(o, v) {
      o["default"] = v;
    });
    var __importStar = exports2 && exports2.__importStar || function(mod2) {
      if (mod2 && mod2.__esModule) return mod2;
      var result = {};
      if (mod2 != null) {
        for (var k in mod2) if (k !== "default" && Object.prototype.hasOwnProperty.call(mod2, k)) __createBinding(result, mod2, k);
      }
      __setModuleDefault(result, mod2);
      return result;
    };
    Object.defineProperty(exports2, "__esModule", { value: true });
    exports2.Address6 = void 0;
    var common = __importStar(require_common());
    var constants4 = __importStar(require_constants2());
    var constants6 = __importStar(require_constants3());
    var helpers = __importStar(require_helpers());
    var ipv4_1 = require_ipv4();
    var regular_expressions_1 = require_regular_expressions();
    var address_error_1 = require_address_error();
    var common_1 = require_common();
    var isCorrect6 = common.isCorrect(constants6.BITS);
    function assert(condition) {
      if (!condition) {
        throw new Error("Assertion failed.");
      }
    }
    __name(assert, "assert");
    function addCommas(number) {
      const r = /(\d+)(\d{3})/;
      while (r.test(number)) {
        number = number.replace(r, "$1,$2");
      }
      return number;
    }
    __name(addCommas, "addCommas");
    function spanLeadingZeroes4(n) {
      n = n.replace(/^(0{1,})([1-9]+)$/, '<span class="parse-error">$1</span>$2');
      n = n.replace(/^(0{1,})(0)$/, '<span class="parse-error">$1</span>$2');
      return n;
    }
    __name(spanLeadingZeroes4, "spanLeadingZeroes4");
    function compact(address, slice) {
      const s1 = [];
      const s2 = [];
      let i;
      for (i = 0; i < address.length; i++) {
        if (i < slice[0]) {
          s1.push(address[i]);
        } else if (i > slice[1]) {
          s2.push(address[i]);
        }
      }
      return s1.concat(["compact"]).concat(s2);
    }
    __name(compact, "compact");
    function paddedHex(octet) {
      return parseInt(octet, 16).toString(16).padStart(4, "0");
    }
    __name(paddedHex, "paddedHex");
    function unsignByte(b) {
      return b & 255;
    }
    __name(unsignByte, "unsignByte");
    var Address6 = class _Address6 {
      static {
        __name(this, "Address6");
      }
      constructor(address, optionalGroups) {
        this.addressMinusSuffix = "";
        this.parsedSubnet = "";
        this.subnet = "/128";
        this.subnetMask = 128;
        this.v4 = false;
        this.zone = "";
        this.isInSubnet = common.isInSubnet;
        this.isHostInSubnet = common.isHostInSubnet;
        this.isCorrect = isCorrect6;
        if (optionalGroups === void 0) {
          this.groups = constants6.GROUPS;
        } else {
          this.groups = optionalGroups;
        }
        this.address = address;
        const subnet = constants6.RE_SUBNET_STRING.exec(address);
        if (subnet) {
          this.parsedSubnet = subnet[0].replace("/", "");
          this.subnetMask = parseInt(this.parsedSubnet, 10);
          this.subnet = `/${this.subnetMask}`;
          if (Number.isNaN(this.subnetMask) || this.subnetMask < 0 || this.subnetMask > constants6.BITS) {
            throw new address_error_1.AddressError("Invalid subnet mask.");
          }
          address = address.replace(constants6.RE_SUBNET_STRING, "");
        }
        if (/\//.test(address)) {
          throw new address_error_1.AddressError("Invalid subnet mask.");
        }
        const zoneStart = address.indexOf("%");
        if (zoneStart !== -1 && /^.*$/.test(address.slice(zoneStart))) {
          this.zone = address.slice(zoneStart);
          address = address.slice(0, zoneStart);
        }
        const longest = this.groups * 5 + 5;
        if (address.length > longest) {
          throw new address_error_1.AddressError(`IPv6 addresses are at most ${longest} characters.`);
        }
        this.addressMinusSuffix = address;
        this.parsedAddress = this.parse(this.addressMinusSuffix);
      }
      /**
       * Returns true if the given string is a valid IPv6 address (with optional
       * CIDR subnet and zone identifier), false otherwise. Host bits in the
       * subnet portion are allowed (e.g. `2001:db8::1/32` is valid); for strict
       * network-address validation compare `correctForm()` to
       * `startAddress().correctForm()`, or use `networkForm()`.
       */
      static isValid(address) {
        try {
          new _Address6(address);
          return true;
        } catch {
          return false;
        }
      }
      /**
       * Convert a BigInt to a v6 address object. The value must be in the
       * range `[0, 2**128 - 1]`; otherwise `AddressError` is thrown.
       * @param {bigint} bigInt - a BigInt to convert
       * @returns {Address6}
       * @example
       * var bigInt = BigInt('1000000000000');
       * var address = Address6.fromBigInt(bigInt);
       * address.correctForm(); // '::e8:d4a5:1000'
       */
      static fromBigInt(bigInt) {
        if (bigInt < BigInt(0) || bigInt > (BigInt(1) << BigInt(constants6.BITS)) - BigInt(1)) {
          throw new address_error_1.AddressError("IPv6 BigInt must be in the range 0 to 2**128 - 1");
        }
        const hex = bigInt.toString(16).padStart(32, "0");
        const groups = [];
        for (let i = 0; i < constants6.GROUPS; i++) {
          groups.push(hex.slice(i * 4, (i + 1) * 4));
        }
        return new _Address6(groups.join(":"));
      }
      /**
       * Parse a URL (with optional bracketed host and port) into an address and
       * port. Returns either `{ address, port }` on success or
       * `{ error, address: null, port: null }` if the URL could not be parsed.
       * Ports are returned as numbers (or `null` if absent or out of range).
       * @example
       * var addressAndPort = Address6.fromURL('http://[ffff::]:8080/foo/');
       * addressAndPort.address.correctForm(); // 'ffff::'
       * addressAndPort.port; // 8080
       */
      static fromURL(url) {
        var _a;
        let host;
        let port = null;
        let result;
        let error2;
        const stripped = url.replace(/^[a-z][a-z0-9+.-]*:\/\//i, "");
        if (stripped.indexOf("[") !== -1 && stripped.indexOf("]:") !== -1) {
          error2 = "failed to parse address with port";
          result = constants6.RE_URL_WITH_PORT.exec(stripped);
          if (result === null) {
            return { error: error2, address: null, port: null };
          }
          host = result[1];
          port = result[2];
        } else {
          error2 = "failed to parse address from URL";
          result = constants6.RE_URL.exec(stripped);
          if (result === null) {
            return { error: error2, address: null, port: null };
          }
          host = (_a = result[1]) !== null && _a !== void 0 ? _a : result[2];
        }
        if (port) {
          port = parseInt(port, 10);
          if (port < 0 || port > 65535) {
            port = null;
          }
        } else {
          port = null;
        }
        let address;
        try {
          address = new _Address6(host);
        } catch {
          return { error: error2, address: null, port: null };
        }
        return { address, port };
      }
      /**
       * Construct an `Address6` from an address and a hex subnet mask given as
       * separate strings (e.g. as returned by Node's `os.networkInterfaces()`).
       * Throws `AddressError` if the mask is non-contiguous (e.g.
       * `ffff::ffff`).
       * @example
       * var address = Address6.fromAddressAndMask('fe80::1', 'ffff:ffff:ffff:ffff::');
       * address.subnetMask; // 64
       */
      static fromAddressAndMask(address, mask) {
        const bits = common.prefixLengthFromMask(new _Address6(mask).bigInt(), constants6.BITS);
        return new _Address6(`${address}/${bits}`);
      }
      /**
       * Construct an `Address6` from an address and a Cisco-style wildcard mask
       * given as separate strings (e.g. `::ffff:ffff:ffff:ffff` for a `/64`).
       * The wildcard mask is the bitwise inverse of the subnet mask. Throws
       * `AddressError` if the mask is non-contiguous.
       * @example
       * var address = Address6.fromAddressAndWildcardMask('fe80::1', '::ffff:ffff:ffff:ffff');
       * address.subnetMask; // 64
       */
      static fromAddressAndWildcardMask(address, wildcardMask) {
        const wildcard = new _Address6(wildcardMask).bigInt();
        const allOnes = (BigInt(1) << BigInt(constants6.BITS)) - BigInt(1);
        const mask = wildcard ^ allOnes;
        const bits = common.prefixLengthFromMask(mask, constants6.BITS);
        return new _Address6(`${address}/${bits}`);
      }
      /**
       * Construct an `Address6` from a wildcard pattern with trailing `*`
       * groups. The number of trailing wildcards determines the prefix
       * length: each `*` represents 16 bits. `::` is expanded to zero groups
       * (not wildcards) before evaluating trailing wildcards.
       *
       * Only trailing whole-group wildcards are supported. Partial-group
       * wildcards (e.g. `2001:db8::0*`) and interior wildcards (e.g.
       * `*::1`) throw `AddressError`.
       * @example
       * Address6.fromWildcard('2001:db8:*:*:*:*:*:*').subnet;  // '/32'
       * Address6.fromWildcard('2001:db8::*').subnet;           // '/112'
       * Address6.fromWildcard('*:*:*:*:*:*:*:*').subnet;       // '/0'
       */
      static fromWildcard(input) {
        if (input.includes("%") || input.includes("/")) {
          throw new address_error_1.AddressError("Wildcard pattern must not include a zone or CIDR suffix");
        }
        const halves = input.split("::");
        if (halves.length > 2) {
          throw new address_error_1.AddressError("Wildcard pattern cannot contain more than one '::'");
        }
        let groups;
        if (halves.length === 2) {
          const left2 = halves[0] === "" ? [] : halves[0].split(":");
          const right = halves[1] === "" ? [] : halves[1].split(":");
          const remaining = constants6.GROUPS - left2.length - right.length;
          if (remaining < 1) {
            throw new address_error_1.AddressError("Wildcard pattern with '::' has too many groups");
          }
          groups = [...left2, ...new Array(remaining).fill("0"), ...right];
        } else {
          groups = input.split(":");
        }
        if (groups.length !== constants6.GROUPS) {
          throw new address_error_1.AddressError("Wildcard pattern must have 8 groups");
        }
        let firstWildcard = -1;
        for (let i = 0; i < groups.length; i++) {
          if (groups[i] === "*") {
            if (firstWildcard === -1) {
              firstWildcard = i;
            }
          } else if (firstWildcard !== -1) {
            throw new address_error_1.AddressError("Wildcard `*` must only appear in trailing groups (e.g. `2001:db8:*:*:*:*:*:*`)");
          }
        }
        const trailing = firstWildcard === -1 ? 0 : groups.length - firstWildcard;
        const replaced = groups.map((g) => g === "*" ? "0" : g);
        const subnetBits = constants6.BITS - trailing * 16;
        return new _Address6(`${replaced.join(":")}/${subnetBits}`);
      }
      /**
       * Create an IPv6-mapped address given an IPv4 address
       * @param {string} address - An IPv4 address string
       * @returns {Address6}
       * @example
       * var address = Address6.fromAddress4('192.168.0.1');
       * address.correctForm(); // '::ffff:c0a8:1'
       * address.to4in6(); // '::ffff:192.168.0.1'
       */
      static fromAddress4(address) {
        const address4 = new ipv4_1.Address4(address);
        const mask6 = constants6.BITS - (constants4.BITS - address4.subnetMask);
        return new _Address6(`::ffff:${address4.correctForm()}/${mask6}`);
      }
      /**
       * Return an address from ip6.arpa form. A full 32-nibble name gives a /128
       * address; a shorter name, as used for a delegated reverse zone, gives the
       * network it covers, with a subnet mask of four bits per nibble, so
       * `fromArpa(x.reverseForm())` round-trips {@link reverseForm} for any prefix.
       * @param {string} arpaFormAddress - an 'ip6.arpa' form address
       * @returns {Adress6}
       * @example
       * var address = Address6.fromArpa(e.f.f.f.3.c.2.6.f.f.f.e.6.6.8.e.1.0.6.7.9.4.e.c.0.0.0.0.1.0.0.2.ip6.arpa.)
       * address.correctForm(); // '2001:0:ce49:7601:e866:efff:62c3:fffe'
       * Address6.fromArpa('8.b.d.0.1.0.0.2.ip6.arpa.').networkForm(); // '2001:db8::/32'
       */
      static fromArpa(arpaFormAddress) {
        const nibbles = arpaFormAddress.replace(/(\.ip6\.arpa)?\.?$/i, "");
        if (!/^[0-9a-f](\.[0-9a-f]){0,31}$/i.test(nibbles)) {
          throw new address_error_1.AddressError("Invalid 'ip6.arpa' form.");
        }
        const reversed = nibbles.split(".").reverse();
        const subnetMask = reversed.length * 4;
        const hex = reversed.join("").padEnd(32, "0");
        const groups = [];
        for (let i = 0; i < constants6.GROUPS; i++) {
          groups.push(hex.slice(i * 4, (i + 1) * 4));
        }
        return new _Address6(`${groups.join(":")}/${subnetMask}`);
      }
      /**
       * Return the Microsoft UNC transcription of the address
       * @returns {String} the Microsoft UNC transcription of the address
       */
      microsoftTranscription() {
        return `${this.correctForm().replace(/:/g, "-")}.ipv6-literal.net`;
      }
      /**
       * Return the first n bits of the address, defaulting to the subnet mask
       * @param {number} [mask=subnet] - the number of bits to mask
       * @returns {String} the first n bits of the address as a string
       */
      mask(mask = this.subnetMask) {
        return this.getBitsBase2(0, mask);
      }
      /**
       * Return the number of possible subnets of a given size in the address
       * @param {number} [subnetSize=128] - the subnet size
       * @returns {String}
       */
      // TODO: probably useful to have a numeric version of this too
      possibleSubnets(subnetSize = 128) {
        const availableBits = constants6.BITS - this.subnetMask;
        const subnetBits = Math.abs(subnetSize - constants6.BITS);
        const subnetPowers = availableBits - subnetBits;
        if (subnetPowers < 0) {
          return "0";
        }
        return addCommas((BigInt("2") ** BigInt(subnetPowers)).toString(10));
      }
      /**
       * Helper function getting start address.
       * @returns {bigint}
       */
      _startAddress() {
        return BigInt(`0b${this.mask() + "0".repeat(constants6.BITS - this.subnetMask)}`);
      }
      /**
       * The first address in the range given by this address' subnet
       * Often referred to as the Network Address.
       * @returns {Address6}
       */
      startAddress() {
        return _Address6.fromBigInt(this._startAddress());
      }
      /**
       * The first host address in the range given by this address's subnet ie
       * the first address after the Network Address
       * @returns {Address6}
       */
      startAddressExclusive() {
        const adjust = BigInt("1");
        return _Address6.fromBigInt(this._startAddress() + adjust);
      }
      /**
       * Helper function getting end address.
       * @returns {bigint}
       */
      _endAddress() {
        return BigInt(`0b${this.mask() + "1".repeat(constants6.BITS - this.subnetMask)}`);
      }
      /**
       * The last address in the range given by this address's subnet. IPv6 has
       * no broadcast address, so this is an ordinary assignable address (in a
       * 64-bit-interface-identifier subnet it falls inside the reserved
       * subnet-anycast block of [RFC 2526](https://datatracker.ietf.org/doc/html/rfc2526)).
       * @returns {Address6}
       */
      endAddress() {
        return _Address6.fromBigInt(this._endAddress());
      }
      /**
       * The address one before {@link endAddress}. This is the IPv6 counterpart
       * of the IPv4 method that skips the broadcast address; IPv6 has no broadcast,
       * so it drops exactly one address and does not model the 128 reserved
       * subnet-anycast identifiers of [RFC 2526](https://datatracker.ietf.org/doc/html/rfc2526).
       * @returns {Address6}
       */
      endAddressExclusive() {
        const adjust = BigInt("1");
        return _Address6.fromBigInt(this._endAddress() - adjust);
      }
      /**
       * Returns the address `n` addresses after this one (or before, when `n` is
       * negative), keeping this address's subnet mask. Throws `AddressError` when
       * the result would fall outside the IPv6 address space or `n` is not an
       * integer.
       * @param {number | bigint} n
       * @returns {Address6}
       * @example
       * new Address6('2001:db8::/64').offset(1).correctForm(); // '2001:db8::1'
       */
      offset(n) {
        return _Address6.fromBigInt(common.offsetBigInt(this.bigInt(), n, constants6.BITS, "IPv6")).withSubnetMask(this.subnetMask);
      }
      /**
       * Returns the network that follows this address's network: the address after
       * {@link endAddress}, with the same subnet mask. Throws `AddressError` when
       * this network is the last one in the address space.
       * @returns {Address6}
       * @example
       * new Address6('2001:db8::/64').nextNetwork().networkForm(); // '2001:db8:0:1::/64'
       */
      nextNetwork() {
        return _Address6.fromBigInt(common.offsetBigInt(this._endAddress(), 1, constants6.BITS, "IPv6")).withSubnetMask(this.subnetMask);
      }
      withSubnetMask(subnetMask) {
        return new _Address6(`${this.correctForm()}/${subnetMask}`);
      }
      /**
       * The hex form of the subnet mask, e.g. `ffff:ffff:ffff:ffff::` for a
       * `/64`. Returns an `Address6`; call `.correctForm()` for the string.
       * @returns {Address6}
       */
      subnetMaskAddress() {
        return _Address6.fromBigInt(BigInt(`0b${"1".repeat(this.subnetMask)}${"0".repeat(constants6.BITS - this.subnetMask)}`));
      }
      /**
       * The Cisco-style wildcard mask, e.g. `::ffff:ffff:ffff:ffff` for a
       * `/64`. This is the bitwise inverse of `subnetMaskAddress()`. Returns
       * an `Address6`; call `.correctForm()` for the string.
       * @returns {Address6}
       */
      wildcardMask() {
        return _Address6.fromBigInt(BigInt(`0b${"0".repeat(this.subnetMask)}${"1".repeat(constants6.BITS - this.subnetMask)}`));
      }
      /**
       * The network address in CIDR string form, e.g. `2001:db8::/32` for
       * `2001:db8::1/32`. For an address with no explicit subnet the prefix
       * is `/128`, e.g. `networkForm()` on `2001:db8::1` returns
       * `2001:db8::1/128`.
       * @returns {string}
       */
      networkForm() {
        return `${this.startAddress().correctForm()}/${this.subnetMask}`;
      }
      /**
       * Return the scope of the address. The 4-bit scope field
       * ([RFC 4291 §2.7](https://datatracker.ietf.org/doc/html/rfc4291#section-2.7))
       * is only defined for multicast addresses; for unicast addresses the scope
       * is derived from the address type per
       * [RFC 4007 §6](https://datatracker.ietf.org/doc/html/rfc4007#section-6).
       * @returns {String}
       */
      getScope() {
        const type = this.getType();
        if (type === "Multicast" || type.startsWith("Multicast ")) {
          const scope2 = constants6.SCOPES[parseInt(this.getBits(12, 16).toString(10), 10)];
          return scope2 || "Unknown";
        }
        if (type === "Link-local unicast" || type === "Loopback") {
          return "Link local";
        }
        if (type === "Unspecified") {
          return "Unknown";
        }
        return "Global";
      }
      /**
       * Return the type of the address
       * @returns {String}
       */
      getType() {
        for (let i = 0; i < TYPE_SUBNETS.length; i++) {
          const entry = TYPE_SUBNETS[i];
          if (this.isHostInSubnet(entry[0])) {
            return entry[1];
          }
        }
        return "Global unicast";
      }
      /**
       * Return the bits in the given range as a BigInt
       * @returns {bigint}
       */
      getBits(start3, end2) {
        return BigInt(`0b${this.getBitsBase2(start3, end2)}`);
      }
      /**
       * Return the bits in the given range as a base-2 string
       * @returns {String}
       */
      getBitsBase2(start3, end2) {
        return this.binaryZeroPad().slice(start3, end2);
      }
      /**
       * Return the bits in the given range as a base-16 string
       * @returns {String}
       */
      getBitsBase16(start3, end2) {
        const length = end2 - start3;
        if (length % 4 !== 0) {
          throw new Error("Length of bits to retrieve must be divisible by four");
        }
        return this.getBits(start3, end2).toString(16).padStart(length / 4, "0");
      }
      /**
       * Return the bits that are set past the subnet mask length
       * @returns {String}
       */
      getBitsPastSubnet() {
        return this.getBitsBase2(this.subnetMask, constants6.BITS);
      }
      /**
       * Return the reversed ip6.arpa form of the address
       * @param {Object} options
       * @param {boolean} options.omitSuffix - omit the "ip6.arpa" suffix
       * @returns {String}
       */
      reverseForm(options) {
        if (!options) {
          options = {};
        }
        const characters = Math.floor(this.subnetMask / 4);
        const reversed = this.canonicalForm().replace(/:/g, "").split("").slice(0, characters).reverse().join(".");
        if (characters > 0) {
          if (options.omitSuffix) {
            return reversed;
          }
          return `${reversed}.ip6.arpa.`;
        }
        if (options.omitSuffix) {
          return "";
        }
        return "ip6.arpa.";
      }
      /**
       * Returns the address in correct form, per
       * [RFC 5952](https://datatracker.ietf.org/doc/html/rfc5952): leading zeros
       * stripped, the longest run of zero groups collapsed to `::`, and hex digits
       * lowercased (e.g. `2001:db8::1`). This is the recommended form for display.
       */
      correctForm() {
        let i;
        let groups = [];
        let zeroCounter = 0;
        const zeroes = [];
        for (i = 0; i < this.parsedAddress.length; i++) {
          const value = parseInt(this.parsedAddress[i], 16);
          if (value === 0) {
            zeroCounter++;
          }
          if (value !== 0 && zeroCounter > 0) {
            if (zeroCounter > 1) {
              zeroes.push([i - zeroCounter, i - 1]);
            }
            zeroCounter = 0;
          }
        }
        if (zeroCounter > 1) {
          zeroes.push([this.parsedAddress.length - zeroCounter, this.parsedAddress.length - 1]);
        }
        const zeroLengths = zeroes.map((n) => n[1] - n[0] + 1);
        if (zeroes.length > 0) {
          const index = zeroLengths.indexOf(Math.max(...zeroLengths));
          groups = compact(this.parsedAddress, zeroes[index]);
        } else {
          groups = this.parsedAddress;
        }
        for (i = 0; i < groups.length; i++) {
          if (groups[i] !== "compact") {
            groups[i] = parseInt(groups[i], 16).toString(16);
          }
        }
        let correct = groups.join(":");
        correct = correct.replace(/^compact$/, "::");
        correct = correct.replace(/(^compact)|(compact$)/, ":");
        correct = correct.replace(/compact/, "");
        return correct;
      }
      /**
       * Return a zero-padded base-2 string representation of the address
       * @returns {String}
       * @example
       * var address = new Address6('2001:4860:4001:803::1011');
       * address.binaryZeroPad();
       * // '0010000000000001010010000110000001000000000000010000100000000011
       * //  0000000000000000000000000000000000000000000000000001000000010001'
       */
      binaryZeroPad() {
        if (this._binaryZeroPad === void 0) {
          this._binaryZeroPad = this.bigInt().toString(2).padStart(constants6.BITS, "0");
        }
        return this._binaryZeroPad;
      }
      /**
       * Parses a v4-in-v6 string (e.g. `::ffff:192.168.0.1`) by extracting the
       * trailing IPv4 address into `this.address4` / `this.parsedAddress4` and
       * returning the address with the v4 portion converted to two v6 groups.
       * Used internally by `parse()`.
       */
      // TODO: Improve the semantics of this helper function
      parse4in6(address) {
        if (address.indexOf(".") === -1) {
          return address;
        }
        const groups = address.split(":");
        const lastGroup = groups.slice(-1)[0];
        const v4Octets = lastGroup.split(".");
        if (v4Octets.length === constants4.GROUPS && v4Octets.every((octet) => /^\d{1,3}$/.test(octet))) {
          if (v4Octets.some((octet) => /^0\d/.test(octet))) {
            const highlighted = v4Octets.map(spanLeadingZeroes4).join(".");
            const prefix = groups.slice(0, -1).map(helpers.escapeHtml).join(":");
            const separator = groups.length > 1 ? ":" : "";
            throw new address_error_1.AddressError("IPv4 addresses can't have leading zeroes.", `${prefix}${separator}${highlighted}`);
          }
        }
        const address4 = lastGroup.match(constants4.RE_ADDRESS);
        if (address4) {
          this.parsedAddress4 = address4[0];
          const v4Suffix = this.subnetMask >= 96 ? `/${this.subnetMask - 96}` : "";
          this.address4 = new ipv4_1.Address4(`${this.parsedAddress4}${v4Suffix}`);
          this.v4 = true;
          groups[groups.length - 1] = this.address4.toGroup6();
          address = groups.join(":");
        }
        return address;
      }
      /**
       * Parses an IPv6 address string into its 8 hexadecimal groups (expanding
       * any `::` elision and any trailing v4-in-v6 portion) and stores the result
       * on `this.parsedAddress`. Called automatically by the constructor; you
       * typically don't need to call it directly. Throws `AddressError` if the
       * input is malformed.
       */
      // TODO: Make private?
      parse(address) {
        address = this.parse4in6(address);
        const badCharacters = address.match(constants6.RE_BAD_CHARACTERS);
        if (badCharacters) {
          throw new address_error_1.AddressError(`Bad character${badCharacters.length > 1 ? "s" : ""} detected in address: ${badCharacters.join("")}`, address.replace(constants6.RE_BAD_CHARACTERS, (character) => `<span class="parse-error">${helpers.escapeHtml(character)}</span>`));
        }
        const badAddress = address.match(constants6.RE_BAD_ADDRESS);
        if (badAddress) {
          throw new address_error_1.AddressError(`Address failed regex: ${badAddress.join("")}`, address.replace(constants6.RE_BAD_ADDRESS, '<span class="parse-error">$1</span>'));
        }
        let groups = [];
        const halves = address.split("::");
        if (halves.length === 2) {
          let first = halves[0].split(":");
          let last = halves[1].split(":");
          if (first.length === 1 && first[0] === "") {
            first = [];
          }
          if (last.length === 1 && last[0] === "") {
            last = [];
          }
          const remaining = this.groups - (first.length + last.length);
          if (!remaining) {
            throw new address_error_1.AddressError("Error parsing groups");
          }
          this.elidedGroups = remaining;
          this.elisionBegin = first.length;
          this.elisionEnd = first.length + this.elidedGroups;
          groups = groups.concat(first);
          for (let i = 0; i < remaining; i++) {
            groups.push("0");
          }
          groups = groups.concat(last);
        } else if (halves.length === 1) {
          groups = address.split(":");
          this.elidedGroups = 0;
        } else {
          throw new address_error_1.AddressError("Too many :: groups found");
        }
        groups = groups.map((group) => parseInt(group, 16).toString(16));
        if (groups.length !== this.groups) {
          throw new address_error_1.AddressError("Incorrect number of groups found");
        }
        return groups;
      }
      /**
       * Returns the canonical (fully expanded) form of the address: all 8 groups,
       * each padded to 4 hex digits, with no `::` collapsing
       * (e.g. `2001:0db8:0000:0000:0000:0000:0000:0001`). Useful for sorting and
       * byte-exact comparison.
       */
      canonicalForm() {
        return this.parsedAddress.map(paddedHex).join(":");
      }
      /**
       * Return the decimal form of the address
       * @returns {String}
       */
      decimal() {
        return this.parsedAddress.map((n) => parseInt(n, 16).toString(10).padStart(5, "0")).join(":");
      }
      /**
       * Return the address as a BigInt
       * @returns {bigint}
       */
      bigInt() {
        return BigInt(`0x${this.parsedAddress.map(paddedHex).join("")}`);
      }
      /**
       * Return the last two groups of this address as an IPv4 address string.
       * If this address carries a CIDR prefix that covers the trailing 32 bits
       * (i.e. `subnetMask >= 96`), the resulting `Address4` inherits the
       * corresponding v4 prefix (`subnetMask - 96`); otherwise it defaults to
       * `/32`.
       * @returns {Address4}
       * @example
       * var address = new Address6('2001:4860:4001::1825:bf11');
       * address.to4().correctForm(); // '24.37.191.17'
       */
      to4() {
        const binary = this.binaryZeroPad().split("");
        const hex = BigInt(`0b${binary.slice(96, 128).join("")}`).toString(16).padStart(8, "0");
        if (this.subnetMask >= 96) {
          const v4Mask = this.subnetMask - 96;
          const groups = [];
          for (let i = 0; i < 8; i += 2) {
            groups.push(parseInt(hex.slice(i, i + 2), 16));
          }
          return new ipv4_1.Address4(`${groups.join(".")}/${v4Mask}`);
        }
        return ipv4_1.Address4.fromHex(hex);
      }
      /**
       * Return the v4-in-v6 form of the address
       * @returns {String}
       */
      to4in6() {
        const address4 = this.to4();
        const address6 = new _Address6(this.parsedAddress.slice(0, 6).join(":"), 6);
        const correct = address6.correctForm();
        let infix = "";
        if (!/:$/.test(correct)) {
          infix = ":";
        }
        return correct + infix + address4.correctForm();
      }
      /**
       * Decodes the Teredo tunneling fields embedded in this address. Returns the
       * Teredo prefix, server IPv4, client IPv4, raw flag bits, cone-NAT flag,
       * UDP port, and Microsoft-format flag breakdown (reserved, universal/local,
       * group/individual, nonce). Only meaningful for addresses in `2001::/32`.
       */
      inspectTeredo() {
        const prefix = this.getBitsBase16(0, 32);
        const bitsForUdpPort = this.getBits(80, 96);
        const udpPort = (bitsForUdpPort ^ BigInt("0xffff")).toString();
        const server4 = ipv4_1.Address4.fromHex(this.getBitsBase16(32, 64));
        const bitsForClient4 = this.getBits(96, 128);
        const client4 = ipv4_1.Address4.fromHex((bitsForClient4 ^ BigInt("0xffffffff")).toString(16).padStart(8, "0"));
        const flagsBase2 = this.getBitsBase2(64, 80);
        const coneNat = (0, common_1.testBit)(flagsBase2, 15);
        const reserved = (0, common_1.testBit)(flagsBase2, 14);
        const groupIndividual = (0, common_1.testBit)(flagsBase2, 8);
        const universalLocal = (0, common_1.testBit)(flagsBase2, 9);
        const nonce = BigInt(`0b${flagsBase2.slice(2, 6) + flagsBase2.slice(8, 16)}`).toString(10);
        return {
          prefix: `${prefix.slice(0, 4)}:${prefix.slice(4, 8)}`,
          server4: server4.address,
          client4: client4.address,
          flags: flagsBase2,
          coneNat,
          microsoft: {
            reserved,
            universalLocal,
            groupIndividual,
            nonce
          },
          udpPort
        };
      }
      /**
       * Decodes the 6to4 tunneling fields embedded in this address. Returns the
       * 6to4 prefix and the embedded IPv4 gateway address. Only meaningful for
       * addresses in `2002::/16`.
       */
      inspect6to4() {
        const prefix = this.getBitsBase16(0, 16);
        const gateway = ipv4_1.Address4.fromHex(this.getBitsBase16(16, 48));
        return {
          prefix: prefix.slice(0, 4),
          gateway: gateway.address
        };
      }
      /**
       * Return a v6 6to4 address from a v6 v4inv6 address
       * @returns {Address6}
       */
      to6to4() {
        if (!this.is4()) {
          return null;
        }
        const addr6to4 = [
          "2002",
          this.getBitsBase16(96, 112),
          this.getBitsBase16(112, 128),
          "",
          "/16"
        ].join(":");
        return new _Address6(addr6to4);
      }
      /**
       * Embed an IPv4 address into a NAT64 IPv6 address using the encoding
       * defined by [RFC 6052](https://datatracker.ietf.org/doc/html/rfc6052).
       * The default prefix is the well-known prefix `64:ff9b::/96`. The prefix
       * length must be one of 32, 40, 48, 56, 64, or 96; for prefixes shorter
       * than /64 the IPv4 octets are split around the reserved bits 64–71.
       * @example
       * Address6.fromAddress4Nat64('192.0.2.33').correctForm(); // '64:ff9b::c000:221'
       * Address6.fromAddress4Nat64('192.0.2.33', '2001:db8::/32').correctForm(); // '2001:db8:c000:221::'
       */
      static fromAddress4Nat64(address, prefix = "64:ff9b::/96") {
        const v4 = new ipv4_1.Address4(address);
        const prefix6 = new _Address6(prefix);
        const pl = prefix6.subnetMask;
        if (pl !== 32 && pl !== 40 && pl !== 48 && pl !== 56 && pl !== 64 && pl !== 96) {
          throw new address_error_1.AddressError("NAT64 prefix length must be 32, 40, 48, 56, 64, or 96");
        }
        const prefixBits = prefix6.binaryZeroPad();
        const v4Bits = v4.binaryZeroPad();
        let bits;
        if (pl === 96) {
          bits = prefixBits.slice(0, 96) + v4Bits;
        } else {
          const beforeU = 64 - pl;
          bits = [
            prefixBits.slice(0, pl),
            v4Bits.slice(0, beforeU),
            // Bits 64 to 71 are the reserved u octet and are always zero.
            "00000000",
            v4Bits.slice(beforeU),
            "0".repeat(128 - 72 - (32 - beforeU))
          ].join("");
        }
        const hex = BigInt(`0b${bits}`).toString(16).padStart(32, "0");
        const groups = [];
        for (let i = 0; i < 8; i++) {
          groups.push(hex.slice(i * 4, (i + 1) * 4));
        }
        return new _Address6(groups.join(":"));
      }
      /**
       * Extract the embedded IPv4 address from a NAT64 IPv6 address using the
       * encoding defined by [RFC 6052](https://datatracker.ietf.org/doc/html/rfc6052).
       * The default prefix is the well-known prefix `64:ff9b::/96`. Returns
       * `null` if this address is not contained within the given prefix.
       * @example
       * new Address6('64:ff9b::c000:221').toAddress4Nat64()!.correctForm(); // '192.0.2.33'
       */
      toAddress4Nat64(prefix = "64:ff9b::/96") {
        const prefix6 = new _Address6(prefix);
        const pl = prefix6.subnetMask;
        if (pl !== 32 && pl !== 40 && pl !== 48 && pl !== 56 && pl !== 64 && pl !== 96) {
          throw new address_error_1.AddressError("NAT64 prefix length must be 32, 40, 48, 56, 64, or 96");
        }
        if (!this.isHostInSubnet(prefix6)) {
          return null;
        }
        const bits = this.binaryZeroPad();
        let v4Bits;
        if (pl === 96) {
          v4Bits = bits.slice(96, 128);
        } else {
          const beforeU = 64 - pl;
          v4Bits = bits.slice(pl, pl + beforeU) + bits.slice(72, 72 + (32 - beforeU));
        }
        const octets = [];
        for (let i = 0; i < 4; i++) {
          octets.push(parseInt(v4Bits.slice(i * 8, (i + 1) * 8), 2).toString());
        }
        return new ipv4_1.Address4(octets.join("."));
      }
      /**
       * Return a byte array.
       *
       * To get a Node.js `Buffer`, wrap the result: `Buffer.from(address.toByteArray())`.
       * @returns {Array}
       */
      toByteArray() {
        const value = this.bigInt().toString(16).padStart(constants6.BITS / 4, "0");
        const bytes = [];
        for (let i = 0, length = value.length; i < length; i += 2) {
          bytes.push(parseInt(value.substring(i, i + 2), 16));
        }
        return bytes;
      }
      /**
       * Return an unsigned byte array.
       *
       * To get a Node.js `Buffer`, wrap the result: `Buffer.from(address.toUnsignedByteArray())`.
       * @returns {Array}
       */
      toUnsignedByteArray() {
        return this.toByteArray().map(unsignByte);
      }
      /**
       * Convert a byte array to an Address6 object.
       *
       * Accepts unsigned bytes (0 to 255) or signed bytes (-128 to 127, as an
       * `Int8Array` or a Java `byte[]` holds them), folding signed values to their
       * unsigned equivalent. Throws `AddressError` unless given exactly 16
       * integers from -128 to 255.
       *
       * To convert from a Node.js `Buffer`, spread it: `Address6.fromByteArray([...buf])`.
       * @returns {Address6}
       */
      static fromByteArray(bytes) {
        common.assertByteArray(bytes, 16, "IPv6", -128);
        return this.fromUnsignedByteArray(bytes.map(unsignByte));
      }
      /**
       * Convert an unsigned byte array to an Address6 object.
       *
       * Throws `AddressError` unless given exactly 16 integers from 0 to 255.
       *
       * To convert from a Node.js `Buffer`, spread it: `Address6.fromUnsignedByteArray([...buf])`.
       * @returns {Address6}
       */
      static fromUnsignedByteArray(bytes) {
        common.assertByteArray(bytes, 16, "IPv6", 0);
        const BYTE_MAX = BigInt("256");
        let result = BigInt("0");
        let multiplier = BigInt("1");
        for (let i = bytes.length - 1; i >= 0; i--) {
          result += multiplier * BigInt(bytes[i].toString(10));
          multiplier *= BYTE_MAX;
        }
        return _Address6.fromBigInt(result);
      }
      /**
       * Returns true if the address is in the canonical form, false otherwise
       * @returns {boolean}
       */
      isCanonical() {
        return this.addressMinusSuffix === this.canonicalForm();
      }
      /**
       * Returns true if the address is a link-local unicast address in `fe80::/10`
       * ([RFC 4291 §2.4](https://datatracker.ietf.org/doc/html/rfc4291#section-2.4))
       * or an IPv4-mapped / NAT64 address whose embedded IPv4 address is link-local
       * (`169.254.0.0/16`, e.g. `::ffff:169.254.169.254`), false otherwise.
       * @returns {boolean}
       */
      isLinkLocal() {
        const embedded = this.embeddedIPv4();
        if (embedded) {
          return embedded.isLinkLocal();
        }
        return this.isHostInSubnet(LINK_LOCAL_SUBNET);
      }
      /**
       * Returns true if the address is a multicast address, false otherwise
       * @returns {boolean}
       */
      isMulticast() {
        const embedded = this.embeddedIPv4();
        if (embedded) {
          return embedded.isMulticast();
        }
        const type = this.getType();
        return type === "Multicast" || type.startsWith("Multicast ");
      }
      /**
       * Returns true if the address was written in v4-in-v6 dotted-quad notation
       * (e.g. `::ffff:127.0.0.1`), false otherwise. This is a notation-level flag
       * and does not reflect whether the address bits lie in the IPv4-mapped
       * (`::ffff:0:0/96`) subnet — for that, see {@link isMapped4}.
       * @returns {boolean}
       */
      is4() {
        return this.v4;
      }
      /**
       * Returns true if the address is an IPv4-mapped IPv6 address in
       * `::ffff:0:0/96` ([RFC 4291 §2.5.5.2](https://datatracker.ietf.org/doc/html/rfc4291#section-2.5.5.2)),
       * false otherwise. Unlike {@link is4}, this checks the underlying address
       * bits rather than the textual notation, so `::ffff:127.0.0.1` and
       * `::ffff:7f00:1` both return true.
       * @returns {boolean}
       */
      isMapped4() {
        return this.isHostInSubnet(IPV4_MAPPED_SUBNET);
      }
      /**
       * If this address embeds a routable IPv4 address — i.e. it is IPv4-mapped
       * (`::ffff:0:0/96`) or sits in the NAT64 well-known prefix (`64:ff9b::/96`,
       * [RFC 6052](https://datatracker.ietf.org/doc/html/rfc6052)) — return that
       * embedded address as an {@link Address4}; otherwise return null.
       *
       * The special-property checks (`isLoopback`, `isLinkLocal`, `isMulticast`,
       * `isUnspecified`, `isPrivate`, `isCGNAT`, `isBroadcast`) call this first and
       * delegate to the embedded {@link Address4} when present, so a literal such as
       * `::ffff:127.0.0.1` is classified by what it actually reaches (loopback)
       * rather than by its IPv6 wrapper (which `getType()` reports as IPv4-mapped).
       * This matters wherever the checks back a trust-boundary decision (e.g. an
       * SSRF allow/deny filter): without normalization, `::ffff:10.0.0.1`,
       * `::ffff:169.254.169.254`, `64:ff9b::7f00:1`, etc. would all read as
       * non-internal.
       * @returns {Address4 | null}
       */
      embeddedIPv4() {
        if (this.isMapped4() || this.isHostInSubnet(NAT64_WELL_KNOWN_SUBNET)) {
          return this.to4();
        }
        return null;
      }
      /**
       * Returns true if the address is a Teredo address, false otherwise
       * @returns {boolean}
       */
      isTeredo() {
        return this.isHostInSubnet(TEREDO_SUBNET);
      }
      /**
       * Returns true if the address is a 6to4 address, false otherwise
       * @returns {boolean}
       */
      is6to4() {
        return this.isHostInSubnet(SIX_TO_FOUR_SUBNET);
      }
      /**
       * Returns true if the address is a loopback address, false otherwise
       * @returns {boolean}
       */
      isLoopback() {
        const embedded = this.embeddedIPv4();
        if (embedded) {
          return embedded.isLoopback();
        }
        return this.getType() === "Loopback";
      }
      /**
       * Returns true if the address is a Unique Local Address in `fc00::/7` ([RFC 4193](https://datatracker.ietf.org/doc/html/rfc4193)). ULAs are the IPv6 equivalent of IPv4 [RFC 1918](https://datatracker.ietf.org/doc/html/rfc1918) private addresses.
       * @returns {boolean}
       */
      isULA() {
        return this.isHostInSubnet(ULA_SUBNET);
      }
      /**
       * Returns true if the address is private, i.e. a Unique Local Address in
       * `fc00::/7` ([RFC 4193](https://datatracker.ietf.org/doc/html/rfc4193)), an
       * address in the NAT64 local-use range `64:ff9b:1::/48`
       * ([RFC 8215](https://datatracker.ietf.org/doc/html/rfc8215)), or an
       * IPv4-mapped / NAT64 well-known address whose embedded IPv4 address is in
       * one of the [RFC 1918](https://datatracker.ietf.org/doc/html/rfc1918)
       * private ranges (e.g. `::ffff:10.0.0.1`). This is the IPv6 counterpart to
       * {@link Address4.isPrivate}; use it instead of {@link isULA} when you need to
       * catch mapped RFC 1918 addresses as well as native ULAs.
       *
       * The local-use NAT64 range is reported private as a whole rather than by
       * its embedded IPv4 address: an operator may carve a prefix of any RFC 6052
       * length out of `64:ff9b:1::/48`, so the same bits decode to different IPv4
       * addresses under different deployments and no single decoding is correct.
       * Use {@link toAddress4Nat64} with the deployment's prefix to decode one.
       * @returns {boolean}
       */
      isPrivate() {
        const embedded = this.embeddedIPv4();
        if (embedded) {
          return embedded.isPrivate();
        }
        return this.isULA() || this.isHostInSubnet(NAT64_LOCAL_USE_SUBNET);
      }
      /**
       * Returns true if the address is an IPv4-mapped / NAT64 address whose embedded
       * IPv4 address is in the carrier-grade NAT range `100.64.0.0/10`
       * ([RFC 6598](https://datatracker.ietf.org/doc/html/rfc6598)), false
       * otherwise. There is no native IPv6 CGNAT range, so this only ever returns
       * true for an embedded IPv4 address (e.g. `::ffff:100.64.0.1`).
       * @returns {boolean}
       */
      isCGNAT() {
        const embedded = this.embeddedIPv4();
        if (embedded) {
          return embedded.isCGNAT();
        }
        return false;
      }
      /**
       * Returns true if the address is an IPv4-mapped / NAT64 address whose embedded
       * IPv4 address is the limited broadcast address `255.255.255.255`
       * ([RFC 919](https://datatracker.ietf.org/doc/html/rfc919)), false otherwise.
       * There is no IPv6 broadcast, so this only ever returns true for an embedded
       * IPv4 address (e.g. `::ffff:255.255.255.255`).
       * @returns {boolean}
       */
      isBroadcast() {
        const embedded = this.embeddedIPv4();
        if (embedded) {
          return embedded.isBroadcast();
        }
        return false;
      }
      /**
       * Returns true if the address is the unspecified address `::`.
       * @returns {boolean}
       */
      isUnspecified() {
        const embedded = this.embeddedIPv4();
        if (embedded) {
          return embedded.isUnspecified();
        }
        return this.getType() === "Unspecified";
      }
      /**
       * Returns true if the address is in the documentation prefix `2001:db8::/32` ([RFC 3849](https://datatracker.ietf.org/doc/html/rfc3849)).
       * @returns {boolean}
       */
      isDocumentation() {
        return DOCUMENTATION_SUBNETS.some((subnet) => this.isHostInSubnet(subnet));
      }
      /**
       * Returns true if the address is in the benchmarking range `2001:2::/48`
       * ([RFC 5180](https://datatracker.ietf.org/doc/html/rfc5180)) or is an
       * IPv4-mapped / NAT64 address whose embedded IPv4 address is in
       * `198.18.0.0/15`, false otherwise.
       * @returns {boolean}
       */
      isBenchmarking() {
        const embedded = this.embeddedIPv4();
        if (embedded) {
          return embedded.isBenchmarking();
        }
        return this.isHostInSubnet(BENCHMARKING_SUBNET);
      }
      /**
       * Returns true if the address is globally reachable: inside the global
       * unicast allocation `2000::/3` (the only range the [IANA IPv6 Address Space
       * Registry](https://www.iana.org/assignments/ipv6-address-space/) assigns
       * for global unicast; everything else is reserved, ULA, link-local, or
       * multicast) and not in any block the [IANA IPv6 Special-Purpose Address Registry](https://www.iana.org/assignments/iana-ipv6-special-registry/)
       * marks as not globally reachable. An IPv4-mapped or NAT64 well-known
       * address answers for its embedded IPv4 address, so `::ffff:10.0.0.1` and
       * `64:ff9b::7f00:1` are not global. Teredo (`2001::/32`) and 6to4
       * (`2002::/16`) are not global either: the registry lists them as N/A and a
       * packet to one needs a relay.
       *
       * This covers everything the individual classifiers name and the blocks they
       * do not: the discard-only prefix `100::/64`, the IETF protocol assignments
       * in `2001::/23`, the deprecated site-local `fec0::/10` and IPv4-compatible
       * `::/96` ranges, and unallocated space such as `4000::/3`. It is the single
       * predicate to use where a request must not reach an internal or
       * special-purpose destination; see SECURITY.md.
       * @returns {boolean}
       */
      isGlobal() {
        const embedded = this.embeddedIPv4();
        if (embedded) {
          return embedded.isGlobal();
        }
        return this.isHostInSubnet(GLOBAL_UNICAST_SUBNET) && common.isGloballyReachable.call(this, SPECIAL_PURPOSE_V6);
      }
      // #endregion
      // #region HTML
      /**
       * Returns the address as an HTTP URL with the host bracketed, e.g.
       * `http://[2001:db8::1]/`. If `optionalPort` is provided it is appended,
       * e.g. `http://[2001:db8::1]:8080/`.
       */
      href(optionalPort) {
        if (optionalPort === void 0) {
          optionalPort = "";
        } else {
          optionalPort = `:${optionalPort}`;
        }
        return `http://[${this.correctForm()}]${optionalPort}/`;
      }
      /**
       * Returns an HTML `<a>` element whose `href` encodes the address in a URL
       * hash fragment (default prefix `/#address=`). Useful for linking between
       * pages of an address-inspector UI.
       * @param options.className - CSS class for the rendered `<a>` element
       * @param options.prefix - hash prefix prepended to the address (default `/#address=`)
       * @param options.v4 - when true, render the address in v4-in-v6 form
       */
      link(options) {
        if (!options) {
          options = {};
        }
        if (options.className === void 0) {
          options.className = "";
        }
        if (options.prefix === void 0) {
          options.prefix = "/#address=";
        }
        if (options.v4 === void 0) {
          options.v4 = false;
        }
        let formFunction = this.correctForm;
        if (options.v4) {
          formFunction = this.to4in6;
        }
        const form = formFunction.call(this);
        const safeHref = helpers.escapeHtml(`${options.prefix}${form}`);
        const safeForm = helpers.escapeHtml(form);
        if (options.className) {
          const safeClass = helpers.escapeHtml(options.className);
          return `<a href="${safeHref}" class="${safeClass}">${safeForm}</a>`;
        }
        return `<a href="${safeHref}">${safeForm}</a>`;
      }
      /**
       * Groups an address.
       *
       * Returns an HTML fragment: each group is wrapped in a `<span>` carrying
       * the group classes an address-inspector UI hovers on. The address content
       * is HTML-escaped; anything you concatenate around it is your
       * responsibility.
       * @returns {String}
       */
      group() {
        if (this.elidedGroups === 0) {
          return helpers.simpleGroup(this.addressMinusSuffix).join(":");
        }
        assert(typeof this.elidedGroups === "number");
        assert(typeof this.elisionBegin === "number");
        const output = [];
        const [left2, right] = this.addressMinusSuffix.split("::");
        if (left2.length) {
          output.push(...helpers.simpleGroup(left2));
        } else {
          output.push("");
        }
        const classes = ["hover-group"];
        for (let i = this.elisionBegin; i < this.elisionBegin + this.elidedGroups; i++) {
          classes.push(`group-${i}`);
        }
        output.push(`<span class="${classes.join(" ")}"></span>`);
        if (right.length) {
          output.push(...helpers.simpleGroup(right, this.elisionEnd));
        } else {
          output.push("");
        }
        if (this.is4()) {
          assert(this.address4 instanceof ipv4_1.Address4);
          output.pop();
          output.push(this.address4.groupForV6());
        }
        return output.join(":");
      }
      // #endregion
      // #region Regular expressions
      /**
       * Generate a regular expression string that can be used to find or validate
       * all variations of this address
       * @param {boolean} substringSearch
       * @returns {string}
       */
      regularExpressionString(substringSearch = false) {
        let output = [];
        const address6 = new _Address6(this.correctForm());
        if (address6.elidedGroups === 0) {
          output.push((0, regular_expressions_1.simpleRegularExpression)(address6.parsedAddress));
        } else if (address6.elidedGroups === constants6.GROUPS) {
          output.push((0, regular_expressions_1.possibleElisions)(constants6.GROUPS));
        } else {
          const halves = address6.address.split("::");
          if (halves[0].length) {
            output.push((0, regular_expressions_1.simpleRegularExpression)(halves[0].split(":")));
          }
          assert(typeof address6.elidedGroups === "number");
          output.push((0, regular_expressions_1.possibleElisions)(address6.elidedGroups, halves[0].length !== 0, halves[1].length !== 0));
          if (halves[1].length) {
            output.push((0, regular_expressions_1.simpleRegularExpression)(halves[1].split(":")));
          }
          output = [output.join(":")];
        }
        if (!substringSearch) {
          output = [
            "(?=^|",
            regular_expressions_1.ADDRESS_BOUNDARY,
            "|[^\\w\\:])(",
            ...output,
            ")(?=[^\\w\\:]|",
            regular_expressions_1.ADDRESS_BOUNDARY,
            "|$)"
          ];
        }
        return output.join("");
      }
      /**
       * Generate a regular expression that can be used to find or validate all
       * variations of this address.
       * @param {boolean} substringSearch
       * @returns {RegExp}
       */
      regularExpression(substringSearch = false) {
        return new RegExp(this.regularExpressionString(substringSearch), "i");
      }
    };
    exports2.Address6 = Address6;
    var TYPE_SUBNETS = Object.keys(constants6.TYPES).map((subnet) => [
      new Address6(subnet),
      constants6.TYPES[subnet]
    ]);
    var TEREDO_SUBNET = new Address6("2001::/32");
    var SIX_TO_FOUR_SUBNET = new Address6("2002::/16");
    var ULA_SUBNET = new Address6("fc00::/7");
    var LINK_LOCAL_SUBNET = new Address6("fe80::/10");
    var DOCUMENTATION_SUBNETS = [new Address6("2001:db8::/32"), new Address6("3fff::/20")];
    var BENCHMARKING_SUBNET = new Address6("2001:2::/48");
    var GLOBAL_UNICAST_SUBNET = new Address6("2000::/3");
    var SPECIAL_PURPOSE_V6 = constants6.SPECIAL_PURPOSE.map(([cidr, , reachable]) => ({
      subnet: new Address6(cidr),
      reachable
    }));
    var IPV4_MAPPED_SUBNET = new Address6("::ffff:0:0/96");
    var NAT64_WELL_KNOWN_SUBNET = new Address6("64:ff9b::/96");
    var NAT64_LOCAL_USE_SUBNET = new Address6("64:ff9b:1::/48");
  }
});

// node_modules/ip-address/dist/ip-address.js
var require_ip_address = __commonJS({
  "node_modules/ip-address/dist/ip-address.js"(exports2) {
    "use strict";
    var __createBinding = exports2 && exports2.__createBinding || (Object.create ? (function(o, m, k, k2) {
      if (k2 === void 0) k2 = k;
      var desc = Object.getOwnPropertyDescriptor(m, k);
      if (!desc || ("get" in desc ? !m.__esModule : desc.writable || desc.configurable)) {
        desc = { enumerable: true, get: /* @__PURE__ */ __name(function() {
          return m[k];
        }, "get") };
      }
      Object.defineProperty(o, k2, desc);
    }) : (function(o, m, k, k2) {
      if (k2 === void 0) k2 = k;
      o[k2] = m[k];
    }));
    var __setModuleDefault = exports2 && exports2.__setModuleDefault || (Object.create ? (function(o, v) {
      Object.defineProperty(o, "default", { enumerable: true, value: v });
    }) : function(o, v) {
      o["default"] = v;
    });
    var __importStar = exports2 && exports2.__importStar || function(mod2) {
      if (mod2 && mod2.__esModule) return mod2;
      var result = {};
      if (mod2 != null) {
        for (var k in mod2) if (k !== "default" && Object.prototype.hasOwnProperty.call(mod2, k)) __createBinding(result, mod2, k);
      }
      __setModuleDefault(result, mod2);
      return result;
    };
    Object.defineProperty(exports2, "__esModule", { value: true });
    exports2.v6 = exports2.AddressError = exports2.Address6 = exports2.Address4 = void 0;
    var ipv4_1 = require_ipv4();
    Object.defineProperty(exports2, "Address4", { enumerable: true, get: /* @__PURE__ */ __name(function() {
      return ipv4_1.Address4;
    }, "get") });
    var ipv6_1 = require_ipv6();
    Object.defineProperty(exports2, "Address6", { enumerable: true, get: /* @__PURE__ */ __name(function() {
      return ipv6_1.Address6;
    }, "get") });
    var address_error_1 = require_address_error();
    Object.defineProperty(exports2, "AddressError", { enumerable: true, get: /* @__PURE__ */ __name(function() {
      return address_error_1.AddressError;
    }, "get") });
    var helpers = __importStar(require_helpers());
    exports2.v6 = { helpers };
  }
});

// node_modules/socks/build/common/helpers.js
var require_helpers2 = __commonJS({
  "node_modules/socks/build/common/helpers.js"(exports2) {
    "use strict";
    Object.defineProperty(exports2, "__esModule", { value: true });
    exports2.validateSocksClientOptions = validateSocksClientOptions;
    exports2.validateSocksClientChainOptions = validateSocksClientChainOptions;
    exports2.ipv4ToInt32 = ipv4ToInt32;
    exports2.int32ToIpv4 = int32ToIpv4;
    exports2.ipToBuffer = ipToBuffer;
    var util_1 = require_util();
    var constants_1 = require_constants();
    var stream = __nccwpck_require__(203);
    var ip_address_1 = require_ip_address();
    var net4 = __nccwpck_require__(278);
    function validateSocksClientOptions(options, acceptedCommands = ["connect", "bind", "associate"]) {
      if (!constants_1.SocksCommand[options.command]) {
        throw new util_1.SocksClientError(constants_1.ERRORS.InvalidSocksCommand, options);
      }
      if (acceptedCommands.indexOf(options.command) === -1) {
        throw new util_1.SocksClientError(constants_1.ERRORS.InvalidSocksCommandForOperation, options);
      }
      if (!isValidSocksRemoteHost(options.destination)) {
        throw new util_1.SocksClientError(constants_1.ERRORS.InvalidSocksClientOptionsDestination, options);
      }
      if (!isValidSocksProxy(options.proxy)) {
        throw new util_1.SocksClientError(constants_1.ERRORS.InvalidSocksClientOptionsProxy, options);
      }
      validateCustomProxyAuth(options.proxy, options);
      if (options.timeout && !isValidTimeoutValue(options.timeout)) {
        throw new util_1.SocksClientError(constants_1.ERRORS.InvalidSocksClientOptionsTimeout, options);
      }
      if (options.existing_socket && !(options.existing_socket instanceof stream.Duplex)) {
        throw new util_1.SocksClientError(constants_1.ERRORS.InvalidSocksClientOptionsExistingSocket, options);
      }
    }
    __name(validateSocksClientOptions, "validateSocksClientOptions");
    function validateSocksClientChainOptions(options) {
      if (options.command !== "connect") {
        throw new util_1.SocksClientError(constants_1.ERRORS.InvalidSocksCommandChain, options);
      }
      if (!isValidSocksRemoteHost(options.destination)) {
        throw new util_1.SocksClientError(constants_1.ERRORS.InvalidSocksClientOptionsDestination, options);
      }
      if (!(options.proxies && Array.isArray(options.proxies) && options.proxies.length >= 2)) {
        throw new util_1.SocksClientError(constants_1.ERRORS.InvalidSocksClientOptionsProxiesLength, options);
      }
      options.proxies.forEach((proxy) => {
        if (!isValidSocksProxy(proxy)) {
          throw new util_1.SocksClientError(constants_1.ERRORS.InvalidSocksClientOptionsProxy, options);
        }
        validateCustomProxyAuth(proxy, options);
      });
      if (options.timeout && !isValidTimeoutValue(options.timeout)) {
        throw new util_1.SocksClientError(constants_1.ERRORS.InvalidSocksClientOptionsTimeout, options);
      }
    }
    __name(validateSocksClientChainOptions, "validateSocksClientChainOptions");
    function validateCustomProxyAuth(proxy, options) {
      if (proxy.custom_auth_method !== void 0) {
        if (proxy.custom_auth_method < constants_1.SOCKS5_CUSTOM_AUTH_START || proxy.custom_auth_method > constants_1.SOCKS5_CUSTOM_AUTH_END) {
          throw new util_1.SocksClientError(constants_1.ERRORS.InvalidSocksClientOptionsCustomAuthRange, options);
        }
        if (proxy.custom_auth_request_handler === void 0 || typeof proxy.custom_auth_request_handler !== "function") {
          throw new util_1.SocksClientError(constants_1.ERRORS.InvalidSocksClientOptionsCustomAuthOptions, options);
        }
        if (proxy.custom_auth_response_size === void 0) {
          throw new util_1.SocksClientError(constants_1.ERRORS.InvalidSocksClientOptionsCustomAuthOptions, options);
        }
        if (proxy.custom_auth_response_handler === void 0 || typeof proxy.custom_auth_response_handler !== "function") {
          throw new util_1.SocksClientError(constants_1.ERRORS.InvalidSocksClientOptionsCustomAuthOptions, options);
        }
      }
    }
    __name(validateCustomProxyAuth, "validateCustomProxyAuth");
    function isValidSocksRemoteHost(remoteHost) {
      return remoteHost && typeof remoteHost.host === "string" && Buffer.byteLength(remoteHost.host) < 256 && typeof remoteHost.port === "number" && remoteHost.port >= 0 && remoteHost.port <= 65535;
    }
    __name(isValidSocksRemoteHost, "isValidSocksRemoteHost");
    function isValidSocksProxy(proxy) {
      return proxy && (typeof proxy.host === "string" || typeof proxy.ipaddress === "string") && typeof proxy.port === "number" && proxy.port >= 0 && proxy.port <= 65535 && (proxy.type === 4 || proxy.type === 5);
    }
    __name(isValidSocksProxy, "isValidSocksProxy");
    function isValidTimeoutValue(value) {
      return typeof value === "number" && value > 0;
    }
    __name(isValidTimeoutValue, "isValidTimeoutValue");
    function ipv4ToInt32(ip) {
      const address = new ip_address_1.Address4(ip);
      return address.toArray().reduce((acc, part) => (acc << 8) + part, 0) >>> 0;
    }
    __name(ipv4ToInt32, "ipv4ToInt32");
    function int32ToIpv4(int32) {
      const octet1 = int32 >>> 24 & 255;
      const octet2 = int32 >>> 16 & 255;
      const octet3 = int32 >>> 8 & 255;
      const octet4 = int32 & 255;
      return [octet1, octet2, octet3, octet4].join(".");
    }
    __name(int32ToIpv4, "int32ToIpv4");
    function ipToBuffer(ip) {
      if (net4.isIPv4(ip)) {
        const address = new ip_address_1.Address4(ip);
        return Buffer.from(address.toArray());
      } else if (net4.isIPv6(ip)) {
        const address = new ip_address_1.Address6(ip);
        return Buffer.from(address.canonicalForm().split(":").map((segment) => segment.padStart(4, "0")).join(""), "hex");
      } else {
        throw new Error("Invalid IP address format");
      }
    }
    __name(ipToBuffer, "ipToBuffer");
  }
});

// node_modules/socks/build/common/receivebuffer.js
var require_receivebuffer = __commonJS({
  "node_modules/socks/build/common/receivebuffer.js"(exports2) {
    "use strict";
    Object.defineProperty(exports2, "__esModule", { value: true });
    exports2.ReceiveBuffer = void 0;
    var ReceiveBuffer = class {
      static {
        __name(this, "ReceiveBuffer");
      }
      constructor(size = 4096) {
        this.buffer = Buffer.allocUnsafe(size);
        this.offset = 0;
        this.originalSize = size;
      }
      get length() {
        return this.offset;
      }
      append(data) {
        if (!Buffer.isBuffer(data)) {
          throw new Error("Attempted to append a non-buffer instance to ReceiveBuffer.");
        }
        if (this.offset + data.length >= this.buffer.length) {
          const tmp = this.buffer;
          this.buffer = Buffer.allocUnsafe(Math.max(this.buffer.length + this.originalSize, this.buffer.length + data.length));
          tmp.copy(this.buffer);
        }
        data.copy(this.buffer, this.offset);
        return this.offset += data.length;
      }
      peek(length) {
        if (length > this.offset) {
          throw new Error("Attempted to read beyond the bounds of the managed internal data.");
        }
        return this.buffer.slice(0, length);
      }
      get(length) {
        if (length > this.offset) {
          throw new Error("Attempted to read beyond the bounds of the managed internal data.");
        }
        const value = Buffer.allocUnsafe(length);
        this.buffer.slice(0, length).copy(value);
        this.buffer.copyWithin(0, length, length + this.offset - length);
        this.offset -= length;
        return value;
      }
    };
    exports2.ReceiveBuffer = ReceiveBuffer;
  }
});

// node_modules/socks/build/client/socksclient.js
var require_socksclient = __commonJS({
  "node_modules/socks/build/client/socksclient.js"(exports2) {
    "use strict";
    var __awaiter2 = exports2 && exports2.__awaiter || function(thisArg, _arguments, P, generator) {
      function adopt(value) {
        return value instanceof P ? value : new P(function(resolve) {
          resolve(value);
        });
      }
      __name(adopt, "adopt");
      return new (P || (P = Promise))(function(resolve, reject) {
        function fulfilled(value) {
          try {
            step(generator.next(value));
          } catch (e) {
            reject(e);
          }
        }
        __name(fulfilled, "fulfilled");
        function rejected(value) {
          try {
            step(generator["throw"](value));
          } catch (e) {
            reject(e);
          }
        }
        __name(rejected, "rejected");
        function step(result) {
          result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected);
        }
        __name(step, "step");
        step((generator = generator.apply(thisArg, _arguments || [])).next());
      });
    };
    Object.defineProperty(exports2, "__esModule", { value: true });
    exports2.SocksClientError = exports2.SocksClient = void 0;
    var events_1 = __nccwpck_require__(434);
    var net4 = __nccwpck_require__(278);
    var smart_buffer_1 = require_smartbuffer();
    var constants_1 = require_constants();
    var helpers_1 = require_helpers2();
    var receivebuffer_1 = require_receivebuffer();
    var util_1 = require_util();
    Object.defineProperty(exports2, "SocksClientError", { enumerable: true, get: /* @__PURE__ */ __name(function() {
      return util_1.SocksClientError;
    }, "get") });
    var ip_address_1 = require_ip_address();
    var SocksClient3 = class _SocksClient extends events_1.EventEmitter {
      static {
        __name(this, "SocksClient");
      }
      constructor(options) {
        super();
        this.options = Object.assign({}, options);
        (0, helpers_1.validateSocksClientOptions)(options);
        this.setState(constants_1.SocksClientState.Created);
      }
      /**
       * Creates a new SOCKS connection.
       *
       * Note: Supports callbacks and promises. Only supports the connect command.
       * @param options { SocksClientOptions } Options.
       * @param callback { Function } An optional callback function.
       * @returns { Promise }
       */
      static createConnection(options, callback) {
        return new Promise((resolve, reject) => {
          try {
            (0, helpers_1.validateSocksClientOptions)(options, ["connect"]);
          } catch (err) {
            if (typeof callback === "function") {
              callback(err);
              return resolve(err);
            } else {
              return reject(err);
            }
          }
          const client = new _SocksClient(options);
          client.connect(options.existing_socket);
          client.once("established", (info2) => {
            client.removeAllListeners();
            if (typeof callback === "function") {
              callback(null, info2);
              resolve(info2);
            } else {
              resolve(info2);
            }
          });
          client.once("error", (err) => {
            client.removeAllListeners();
            if (typeof callback === "function") {
              callback(err);
              resolve(err);
            } else {
              reject(err);
            }
          });
        });
      }
      /**
       * Creates a new SOCKS connection chain to a destination host through 2 or more SOCKS proxies.
       *
       * Note: Supports callbacks and promises. Only supports the connect method.
       * Note: Implemented via createConnection() factory function.
       * @param options { SocksClientChainOptions } Options
       * @param callback { Function } An optional callback function.
       * @returns { Promise }
       */
      static createConnectionChain(options, callback) {
        return new Promise((resolve, reject) => __awaiter2(this, void 0, void 0, function* () {
          try {
            (0, helpers_1.validateSocksClientChainOptions)(options);
          } catch (err) {
            if (typeof callback === "function") {
              callback(err);
              return resolve(err);
            } else {
              return reject(err);
            }
          }
          if (options.randomizeChain) {
            (0, util_1.shuffleArray)(options.proxies);
          }
          try {
            let sock;
            for (let i = 0; i < options.proxies.length; i++) {
              const nextProxy = options.proxies[i];
              const nextDestination = i === options.proxies.length - 1 ? options.destination : {
                host: options.proxies[i + 1].host || options.proxies[i + 1].ipaddress,
                port: options.proxies[i + 1].port
              };
              const result = yield _SocksClient.createConnection({
                command: "connect",
                proxy: nextProxy,
                destination: nextDestination,
                existing_socket: sock
              });
              sock = sock || result.socket;
            }
            if (typeof callback === "function") {
              callback(null, { socket: sock });
              resolve({ socket: sock });
            } else {
              resolve({ socket: sock });
            }
          } catch (err) {
            if (typeof callback === "function") {
              callback(err);
              resolve(err);
            } else {
              reject(err);
            }
          }
        }));
      }
      /**
       * Creates a SOCKS UDP Frame.
       * @param options
       */
      static createUDPFrame(options) {
        const buff = new smart_buffer_1.SmartBuffer();
        buff.writeUInt16BE(0);
        buff.writeUInt8(options.frameNumber || 0);
        if (net4.isIPv4(options.remoteHost.host)) {
          buff.writeUInt8(constants_1.Socks5HostType.IPv4);
          buff.writeUInt32BE((0, helpers_1.ipv4ToInt32)(options.remoteHost.host));
        } else if (net4.isIPv6(options.remoteHost.host)) {
          buff.writeUInt8(constants_1.Socks5HostType.IPv6);
          buff.writeBuffer((0, helpers_1.ipToBuffer)(options.remoteHost.host));
        } else {
          buff.writeUInt8(constants_1.Socks5HostType.Hostname);
          buff.writeUInt8(Buffer.byteLength(options.remoteHost.host));
          buff.writeString(options.remoteHost.host);
        }
        buff.writeUInt16BE(options.remoteHost.port);
        buff.writeBuffer(options.data);
        return buff.toBuffer();
      }
      /**
       * Parses a SOCKS UDP frame.
       * @param data
       */
      static parseUDPFrame(data) {
        const buff = smart_buffer_1.SmartBuffer.fromBuffer(data);
        buff.readOffset = 2;
        const frameNumber = buff.readUInt8();
        const hostType = buff.readUInt8();
        let remoteHost;
        if (hostType === constants_1.Socks5HostType.IPv4) {
          remoteHost = (0, helpers_1.int32ToIpv4)(buff.readUInt32BE());
        } else if (hostType === constants_1.Socks5HostType.IPv6) {
          remoteHost = ip_address_1.Address6.fromByteArray(Array.from(buff.readBuffer(16))).canonicalForm();
        } else {
          remoteHost = buff.readString(buff.readUInt8());
        }
        const remotePort = buff.readUInt16BE();
        return {
          frameNumber,
          remoteHost: {
            host: remoteHost,
            port: remotePort
          },
          data: buff.readBuffer()
        };
      }
      /**
       * Internal state setter. If the SocksClient is in an error state, it cannot be changed to a non error state.
       */
      setState(newState) {
        if (this.state !== constants_1.SocksClientState.Error) {
          this.state = newState;
        }
      }
      /**
       * Starts the connection establishment to the proxy and destination.
       * @param existingSocket Connected socket to use instead of creating a new one (internal use).
       */
      connect(existingSocket) {
        this.onDataReceived = (data) => this.onDataReceivedHandler(data);
        this.onClose = () => this.onCloseHandler();
        this.onError = (err) => this.onErrorHandler(err);
        this.onConnect = () => this.onConnectHandler();
        const timer = setTimeout(() => this.onEstablishedTimeout(), this.options.timeout || constants_1.DEFAULT_TIMEOUT);
        if (timer.unref && typeof timer.unref === "function") {
          timer.unref();
        }
        if (existingSocket) {
          this.socket = existingSocket;
        } else {
          this.socket = new net4.Socket();
        }
        this.socket.once("close", this.onClose);
        this.socket.once("error", this.onError);
        this.socket.once("connect", this.onConnect);
        this.socket.on("data", this.onDataReceived);
        this.setState(constants_1.SocksClientState.Connecting);
        this.receiveBuffer = new receivebuffer_1.ReceiveBuffer();
        if (existingSocket) {
          this.socket.emit("connect");
        } else {
          this.socket.connect(this.getSocketOptions());
          if (this.options.set_tcp_nodelay !== void 0 && this.options.set_tcp_nodelay !== null) {
            this.socket.setNoDelay(!!this.options.set_tcp_nodelay);
          }
        }
        this.prependOnceListener("established", (info2) => {
          setImmediate(() => {
            if (this.receiveBuffer.length > 0) {
              const excessData = this.receiveBuffer.get(this.receiveBuffer.length);
              info2.socket.emit("data", excessData);
            }
            info2.socket.resume();
          });
        });
      }
      // Socket options (defaults host/port to options.proxy.host/options.proxy.port)
      getSocketOptions() {
        return Object.assign(Object.assign({}, this.options.socket_options), { host: this.options.proxy.host || this.options.proxy.ipaddress, port: this.options.proxy.port });
      }
      /**
       * Handles internal Socks timeout callback.
       * Note: If the Socks client is not BoundWaitingForConnection or Established, the connection will be closed.
       */
      onEstablishedTimeout() {
        if (this.state !== constants_1.SocksClientState.Established && this.state !== constants_1.SocksClientState.BoundWaitingForConnection) {
          this.closeSocket(constants_1.ERRORS.ProxyConnectionTimedOut);
        }
      }
      /**
       * Handles Socket connect event.
       */
      onConnectHandler() {
        this.setState(constants_1.SocksClientState.Connected);
        if (this.options.proxy.type === 4) {
          this.sendSocks4InitialHandshake();
        } else {
          this.sendSocks5InitialHandshake();
        }
        this.setState(constants_1.SocksClientState.SentInitialHandshake);
      }
      /**
       * Handles Socket data event.
       * @param data
       */
      onDataReceivedHandler(data) {
        this.receiveBuffer.append(data);
        this.processData();
      }
      /**
       * Handles processing of the data we have received.
       */
      processData() {
        while (this.state !== constants_1.SocksClientState.Established && this.state !== constants_1.SocksClientState.Error && this.receiveBuffer.length >= this.nextRequiredPacketBufferSize) {
          if (this.state === constants_1.SocksClientState.SentInitialHandshake) {
            if (this.options.proxy.type === 4) {
              this.handleSocks4FinalHandshakeResponse();
            } else {
              this.handleInitialSocks5HandshakeResponse();
            }
          } else if (this.state === constants_1.SocksClientState.SentAuthentication) {
            this.handleInitialSocks5AuthenticationHandshakeResponse();
          } else if (this.state === constants_1.SocksClientState.SentFinalHandshake) {
            this.handleSocks5FinalHandshakeResponse();
          } else if (this.state === constants_1.SocksClientState.BoundWaitingForConnection) {
            if (this.options.proxy.type === 4) {
              this.handleSocks4IncomingConnectionResponse();
            } else {
              this.handleSocks5IncomingConnectionResponse();
            }
          } else {
            this.closeSocket(constants_1.ERRORS.InternalError);
            break;
          }
        }
      }
      /**
       * Handles Socket close event.
       * @param had_error
       */
      onCloseHandler() {
        this.closeSocket(constants_1.ERRORS.SocketClosed);
      }
      /**
       * Handles Socket error event.
       * @param err
       */
      onErrorHandler(err) {
        this.closeSocket(err.message);
      }
      /**
       * Removes internal event listeners on the underlying Socket.
       */
      removeInternalSocketHandlers() {
        this.socket.pause();
        this.socket.removeListener("data", this.onDataReceived);
        this.socket.removeListener("close", this.onClose);
        this.socket.removeListener("error", this.onError);
        this.socket.removeListener("connect", this.onConnect);
      }
      /**
       * Closes and destroys the underlying Socket. Emits an error event.
       * @param err { String } An error string to include in error event.
       */
      closeSocket(err) {
        if (this.state !== constants_1.SocksClientState.Error) {
          this.setState(constants_1.SocksClientState.Error);
          this.socket.destroy();
          this.removeInternalSocketHandlers();
          this.emit("error", new util_1.SocksClientError(err, this.options));
        }
      }
      /**
       * Sends initial Socks v4 handshake request.
       */
      sendSocks4InitialHandshake() {
        const userId = this.options.proxy.userId || "";
        const buff = new smart_buffer_1.SmartBuffer();
        buff.writeUInt8(4);
        buff.writeUInt8(constants_1.SocksCommand[this.options.command]);
        buff.writeUInt16BE(this.options.destination.port);
        if (net4.isIPv4(this.options.destination.host)) {
          buff.writeBuffer((0, helpers_1.ipToBuffer)(this.options.destination.host));
          buff.writeStringNT(userId);
        } else {
          buff.writeUInt8(0);
          buff.writeUInt8(0);
          buff.writeUInt8(0);
          buff.writeUInt8(1);
          buff.writeStringNT(userId);
          buff.writeStringNT(this.options.destination.host);
        }
        this.nextRequiredPacketBufferSize = constants_1.SOCKS_INCOMING_PACKET_SIZES.Socks4Response;
        this.socket.write(buff.toBuffer());
      }
      /**
       * Handles Socks v4 handshake response.
       * @param data
       */
      handleSocks4FinalHandshakeResponse() {
        const data = this.receiveBuffer.get(8);
        if (data[1] !== constants_1.Socks4Response.Granted) {
          this.closeSocket(`${constants_1.ERRORS.Socks4ProxyRejectedConnection} - (${constants_1.Socks4Response[data[1]]})`);
        } else {
          if (constants_1.SocksCommand[this.options.command] === constants_1.SocksCommand.bind) {
            const buff = smart_buffer_1.SmartBuffer.fromBuffer(data);
            buff.readOffset = 2;
            const remoteHost = {
              port: buff.readUInt16BE(),
              host: (0, helpers_1.int32ToIpv4)(buff.readUInt32BE())
            };
            if (remoteHost.host === "0.0.0.0") {
              remoteHost.host = this.options.proxy.ipaddress;
            }
            this.setState(constants_1.SocksClientState.BoundWaitingForConnection);
            this.emit("bound", { remoteHost, socket: this.socket });
          } else {
            this.setState(constants_1.SocksClientState.Established);
            this.removeInternalSocketHandlers();
            this.emit("established", { socket: this.socket });
          }
        }
      }
      /**
       * Handles Socks v4 incoming connection request (BIND)
       * @param data
       */
      handleSocks4IncomingConnectionResponse() {
        const data = this.receiveBuffer.get(8);
        if (data[1] !== constants_1.Socks4Response.Granted) {
          this.closeSocket(`${constants_1.ERRORS.Socks4ProxyRejectedIncomingBoundConnection} - (${constants_1.Socks4Response[data[1]]})`);
        } else {
          const buff = smart_buffer_1.SmartBuffer.fromBuffer(data);
          buff.readOffset = 2;
          const remoteHost = {
            port: buff.readUInt16BE(),
            host: (0, helpers_1.int32ToIpv4)(buff.readUInt32BE())
          };
          this.setState(constants_1.SocksClientState.Established);
          this.removeInternalSocketHandlers();
          this.emit("established", { remoteHost, socket: this.socket });
        }
      }
      /**
       * Sends initial Socks v5 handshake request.
       */
      sendSocks5InitialHandshake() {
        const buff = new smart_buffer_1.SmartBuffer();
        const supportedAuthMethods = [constants_1.Socks5Auth.NoAuth];
        if (this.options.proxy.userId || this.options.proxy.password) {
          supportedAuthMethods.push(constants_1.Socks5Auth.UserPass);
        }
        if (this.options.proxy.custom_auth_method !== void 0) {
          supportedAuthMethods.push(this.options.proxy.custom_auth_method);
        }
        buff.writeUInt8(5);
        buff.writeUInt8(supportedAuthMethods.length);
        for (const authMethod of supportedAuthMethods) {
          buff.writeUInt8(authMethod);
        }
        this.nextRequiredPacketBufferSize = constants_1.SOCKS_INCOMING_PACKET_SIZES.Socks5InitialHandshakeResponse;
        this.socket.write(buff.toBuffer());
        this.setState(constants_1.SocksClientState.SentInitialHandshake);
      }
      /**
       * Handles initial Socks v5 handshake response.
       * @param data
       */
      handleInitialSocks5HandshakeResponse() {
        const data = this.receiveBuffer.get(2);
        if (data[0] !== 5) {
          this.closeSocket(constants_1.ERRORS.InvalidSocks5IntiailHandshakeSocksVersion);
        } else if (data[1] === constants_1.SOCKS5_NO_ACCEPTABLE_AUTH) {
          this.closeSocket(constants_1.ERRORS.InvalidSocks5InitialHandshakeNoAcceptedAuthType);
        } else {
          if (data[1] === constants_1.Socks5Auth.NoAuth) {
            this.socks5ChosenAuthType = constants_1.Socks5Auth.NoAuth;
            this.sendSocks5CommandRequest();
          } else if (data[1] === constants_1.Socks5Auth.UserPass) {
            this.socks5ChosenAuthType = constants_1.Socks5Auth.UserPass;
            this.sendSocks5UserPassAuthentication();
          } else if (data[1] === this.options.proxy.custom_auth_method) {
            this.socks5ChosenAuthType = this.options.proxy.custom_auth_method;
            this.sendSocks5CustomAuthentication();
          } else {
            this.closeSocket(constants_1.ERRORS.InvalidSocks5InitialHandshakeUnknownAuthType);
          }
        }
      }
      /**
       * Sends Socks v5 user & password auth handshake.
       *
       * Note: No auth and user/pass are currently supported.
       */
      sendSocks5UserPassAuthentication() {
        const userId = this.options.proxy.userId || "";
        const password = this.options.proxy.password || "";
        const buff = new smart_buffer_1.SmartBuffer();
        buff.writeUInt8(1);
        buff.writeUInt8(Buffer.byteLength(userId));
        buff.writeString(userId);
        buff.writeUInt8(Buffer.byteLength(password));
        buff.writeString(password);
        this.nextRequiredPacketBufferSize = constants_1.SOCKS_INCOMING_PACKET_SIZES.Socks5UserPassAuthenticationResponse;
        this.socket.write(buff.toBuffer());
        this.setState(constants_1.SocksClientState.SentAuthentication);
      }
      sendSocks5CustomAuthentication() {
        return __awaiter2(this, void 0, void 0, function* () {
          this.nextRequiredPacketBufferSize = this.options.proxy.custom_auth_response_size;
          this.socket.write(yield this.options.proxy.custom_auth_request_handler());
          this.setState(constants_1.SocksClientState.SentAuthentication);
        });
      }
      handleSocks5CustomAuthHandshakeResponse(data) {
        return __awaiter2(this, void 0, void 0, function* () {
          return yield this.options.proxy.custom_auth_response_handler(data);
        });
      }
      handleSocks5AuthenticationNoAuthHandshakeResponse(data) {
        return __awaiter2(this, void 0, void 0, function* () {
          return data[1] === 0;
        });
      }
      handleSocks5AuthenticationUserPassHandshakeResponse(data) {
        return __awaiter2(this, void 0, void 0, function* () {
          return data[1] === 0;
        });
      }
      /**
       * Handles Socks v5 auth handshake response.
       * @param data
       */
      handleInitialSocks5AuthenticationHandshakeResponse() {
        return __awaiter2(this, void 0, void 0, function* () {
          this.setState(constants_1.SocksClientState.ReceivedAuthenticationResponse);
          let authResult = false;
          if (this.socks5ChosenAuthType === constants_1.Socks5Auth.NoAuth) {
            authResult = yield this.handleSocks5AuthenticationNoAuthHandshakeResponse(this.receiveBuffer.get(2));
          } else if (this.socks5ChosenAuthType === constants_1.Socks5Auth.UserPass) {
            authResult = yield this.handleSocks5AuthenticationUserPassHandshakeResponse(this.receiveBuffer.get(2));
          } else if (this.socks5ChosenAuthType === this.options.proxy.custom_auth_method) {
            authResult = yield this.handleSocks5CustomAuthHandshakeResponse(this.receiveBuffer.get(this.options.proxy.custom_auth_response_size));
          }
          if (!authResult) {
            this.closeSocket(constants_1.ERRORS.Socks5AuthenticationFailed);
          } else {
            this.sendSocks5CommandRequest();
          }
        });
      }
      /**
       * Sends Socks v5 final handshake request.
       */
      sendSocks5CommandRequest() {
        const buff = new smart_buffer_1.SmartBuffer();
        buff.writeUInt8(5);
        buff.writeUInt8(constants_1.SocksCommand[this.options.command]);
        buff.writeUInt8(0);
        if (net4.isIPv4(this.options.destination.host)) {
          buff.writeUInt8(constants_1.Socks5HostType.IPv4);
          buff.writeBuffer((0, helpers_1.ipToBuffer)(this.options.destination.host));
        } else if (net4.isIPv6(this.options.destination.host)) {
          buff.writeUInt8(constants_1.Socks5HostType.IPv6);
          buff.writeBuffer((0, helpers_1.ipToBuffer)(this.options.destination.host));
        } else {
          buff.writeUInt8(constants_1.Socks5HostType.Hostname);
          buff.writeUInt8(this.options.destination.host.length);
          buff.writeString(this.options.destination.host);
        }
        buff.writeUInt16BE(this.options.destination.port);
        this.nextRequiredPacketBufferSize = constants_1.SOCKS_INCOMING_PACKET_SIZES.Socks5ResponseHeader;
        this.socket.write(buff.toBuffer());
        this.setState(constants_1.SocksClientState.SentFinalHandshake);
      }
      /**
       * Handles Socks v5 final handshake response.
       * @param data
       */
      handleSocks5FinalHandshakeResponse() {
        const header = this.receiveBuffer.peek(5);
        if (header[0] !== 5 || header[1] !== constants_1.Socks5Response.Granted) {
          this.closeSocket(`${constants_1.ERRORS.InvalidSocks5FinalHandshakeRejected} - ${constants_1.Socks5Response[header[1]]}`);
        } else {
          const addressType = header[3];
          let remoteHost;
          let buff;
          if (addressType === constants_1.Socks5HostType.IPv4) {
            const dataNeeded = constants_1.SOCKS_INCOMING_PACKET_SIZES.Socks5ResponseIPv4;
            if (this.receiveBuffer.length < dataNeeded) {
              this.nextRequiredPacketBufferSize = dataNeeded;
              return;
            }
            buff = smart_buffer_1.SmartBuffer.fromBuffer(this.receiveBuffer.get(dataNeeded).slice(4));
            remoteHost = {
              host: (0, helpers_1.int32ToIpv4)(buff.readUInt32BE()),
              port: buff.readUInt16BE()
            };
            if (remoteHost.host === "0.0.0.0") {
              remoteHost.host = this.options.proxy.ipaddress;
            }
          } else if (addressType === constants_1.Socks5HostType.Hostname) {
            const hostLength = header[4];
            const dataNeeded = constants_1.SOCKS_INCOMING_PACKET_SIZES.Socks5ResponseHostname(hostLength);
            if (this.receiveBuffer.length < dataNeeded) {
              this.nextRequiredPacketBufferSize = dataNeeded;
              return;
            }
            buff = smart_buffer_1.SmartBuffer.fromBuffer(this.receiveBuffer.get(dataNeeded).slice(5));
            remoteHost = {
              host: buff.readString(hostLength),
              port: buff.readUInt16BE()
            };
          } else if (addressType === constants_1.Socks5HostType.IPv6) {
            const dataNeeded = constants_1.SOCKS_INCOMING_PACKET_SIZES.Socks5ResponseIPv6;
            if (this.receiveBuffer.length < dataNeeded) {
              this.nextRequiredPacketBufferSize = dataNeeded;
              return;
            }
            buff = smart_buffer_1.SmartBuffer.fromBuffer(this.receiveBuffer.get(dataNeeded).slice(4));
            remoteHost = {
              host: ip_address_1.Address6.fromByteArray(Array.from(buff.readBuffer(16))).canonicalForm(),
              port: buff.readUInt16BE()
            };
          }
          this.setState(constants_1.SocksClientState.ReceivedFinalResponse);
          if (constants_1.SocksCommand[this.options.command] === constants_1.SocksCommand.connect) {
            this.setState(constants_1.SocksClientState.Established);
            this.removeInternalSocketHandlers();
            this.emit("established", { remoteHost, socket: this.socket });
          } else if (constants_1.SocksCommand[this.options.command] === constants_1.SocksCommand.bind) {
            this.setState(constants_1.SocksClientState.BoundWaitingForConnection);
            this.nextRequiredPacketBufferSize = constants_1.SOCKS_INCOMING_PACKET_SIZES.Socks5ResponseHeader;
            this.emit("bound", { remoteHost, socket: this.socket });
          } else if (constants_1.SocksCommand[this.options.command] === constants_1.SocksCommand.associate) {
            this.setState(constants_1.SocksClientState.Established);
            this.removeInternalSocketHandlers();
            this.emit("established", {
              remoteHost,
              socket: this.socket
            });
          }
        }
      }
      /**
       * Handles Socks v5 incoming connection request (BIND).
       */
      handleSocks5IncomingConnectionResponse() {
        const header = this.receiveBuffer.peek(5);
        if (header[0] !== 5 || header[1] !== constants_1.Socks5Response.Granted) {
          this.closeSocket(`${constants_1.ERRORS.Socks5ProxyRejectedIncomingBoundConnection} - ${constants_1.Socks5Response[header[1]]}`);
        } else {
          const addressType = header[3];
          let remoteHost;
          let buff;
          if (addressType === constants_1.Socks5HostType.IPv4) {
            const dataNeeded = constants_1.SOCKS_INCOMING_PACKET_SIZES.Socks5ResponseIPv4;
            if (this.receiveBuffer.length < dataNeeded) {
              this.nextRequiredPacketBufferSize = dataNeeded;
              return;
            }
            buff = smart_buffer_1.SmartBuffer.fromBuffer(this.receiveBuffer.get(dataNeeded).slice(4));
            remoteHost = {
              host: (0, helpers_1.int32ToIpv4)(buff.readUInt32BE()),
              port: buff.readUInt16BE()
            };
            if (remoteHost.host === "0.0.0.0") {
              remoteHost.host = this.options.proxy.ipaddress;
            }
          } else if (addressType === constants_1.Socks5HostType.Hostname) {
            const hostLength = header[4];
            const dataNeeded = constants_1.SOCKS_INCOMING_PACKET_SIZES.Socks5ResponseHostname(hostLength);
            if (this.receiveBuffer.length < dataNeeded) {
              this.nextRequiredPacketBufferSize = dataNeeded;
              return;
            }
            buff = smart_buffer_1.SmartBuffer.fromBuffer(this.receiveBuffer.get(dataNeeded).slice(5));
            remoteHost = {
              host: buff.readString(hostLength),
              port: buff.readUInt16BE()
            };
          } else if (addressType === constants_1.Socks5HostType.IPv6) {
            const dataNeeded = constants_1.SOCKS_INCOMING_PACKET_SIZES.Socks5ResponseIPv6;
            if (this.receiveBuffer.length < dataNeeded) {
              this.nextRequiredPacketBufferSize = dataNeeded;
              return;
            }
            buff = smart_buffer_1.SmartBuffer.fromBuffer(this.receiveBuffer.get(dataNeeded).slice(4));
            remoteHost = {
              host: ip_address_1.Address6.fromByteArray(Array.from(buff.readBuffer(16))).canonicalForm(),
              port: buff.readUInt16BE()
            };
          }
          this.setState(constants_1.SocksClientState.Established);
          this.removeInternalSocketHandlers();
          this.emit("established", { remoteHost, socket: this.socket });
        }
      }
      get socksClientOptions() {
        return Object.assign({}, this.options);
      }
    };
    exports2.SocksClient = SocksClient3;
  }
});

// node_modules/socks/build/index.js
var require_build = __commonJS({
  "node_modules/socks/build/index.js"(exports2) {
    "use strict";
    var __createBinding = exports2 && exports2.__createBinding || (Object.create ? (function(o, m, k, k2) {
      if (k2 === void 0) k2 = k;
      var desc = Object.getOwnPropertyDescriptor(m, k);
      if (!desc || ("get" in desc ? !m.__esModule : desc.writable || desc.configurable)) {
        desc = { enumerable: true, get: /* @__PURE__ */ __name(function() {
          return m[k];
        }, "get") };
      }
      Object.defineProperty(o, k2, desc);
    }) : (function(o, m, k, k2) {
      if (k2 === void 0) k2 = k;
      o[k2] = m[k];
    }));
    var __exportStar = exports2 && exports2.__exportStar || function(m, exports3) {
      for (var p in m) if (p !== "default" && !Object.prototype.hasOwnProperty.call(exports3, p)) __createBinding(exports3, m, p);
    };
    Object.defineProperty(exports2, "__esModule", { value: true });
    __exportStar(require_socksclient(), exports2);
  }
});

// stand-in:node_modules/socks/build/index.js.cjs
var require_index_js = __commonJS({
  "stand-in:node_modules/socks/build/index.js.cjs"(exports2, module2) {
    var load2 = /* @__PURE__ */ __name(() => require_build(), "load");
    module2.exports = {
      get "SocksClient"() {
        return load2()["SocksClient"];
      },
      get "SocksClientError"() {
        return load2()["SocksClientError"];
      }
    };
  }
});

// node_modules/agent-base/dist/helpers.js
var init_helpers = __esm({
  "node_modules/agent-base/dist/helpers.js"() {
  }
});

// node_modules/agent-base/dist/index.js
var net, http, import_https, INTERNAL, Agent3;
var init_dist = __esm({
  "node_modules/agent-base/dist/index.js"() {
    net = __toESM(__nccwpck_require__(278), 1);
    http = __toESM(__nccwpck_require__(611), 1);
    import_https = __nccwpck_require__(692);
    init_helpers();
    INTERNAL = /* @__PURE__ */ Symbol("AgentBaseInternalState");
    Agent3 = class extends http.Agent {
      static {
        __name(this, "Agent");
      }
      constructor(opts) {
        super(opts);
        this[INTERNAL] = {};
      }
      /**
       * Determine whether this is an `http` or `https` request.
       */
      isSecureEndpoint(options) {
        if (options) {
          if (typeof options.secureEndpoint === "boolean") {
            return options.secureEndpoint;
          }
          if (typeof options.protocol === "string") {
            return options.protocol === "https:";
          }
        }
        const { stack } = new Error();
        if (typeof stack !== "string")
          return false;
        return stack.split("\n").some((l) => l.indexOf("(https.js:") !== -1 || l.indexOf("node:https:") !== -1);
      }
      // In order to support async signatures in `connect()` and Node's native
      // connection pooling in `http.Agent`, the array of sockets for each origin
      // has to be updated synchronously. This is so the length of the array is
      // accurate when `addRequest()` is next called. We achieve this by creating a
      // fake socket and adding it to `sockets[origin]` and incrementing
      // `totalSocketCount`.
      incrementSockets(name) {
        if (this.maxSockets === Infinity && this.maxTotalSockets === Infinity) {
          return null;
        }
        if (!this.sockets[name]) {
          this.sockets[name] = [];
        }
        const fakeSocket = new net.Socket({ writable: false });
        this.sockets[name].push(fakeSocket);
        this.totalSocketCount++;
        return fakeSocket;
      }
      decrementSockets(name, socket) {
        if (!this.sockets[name] || socket === null) {
          return;
        }
        const sockets = this.sockets[name];
        const index = sockets.indexOf(socket);
        if (index !== -1) {
          sockets.splice(index, 1);
          this.totalSocketCount--;
          if (sockets.length === 0) {
            delete this.sockets[name];
          }
        }
      }
      // In order to properly update the socket pool, we need to call `getName()` on
      // the core `https.Agent` if it is a secureEndpoint.
      getName(options) {
        const secureEndpoint = this.isSecureEndpoint(options);
        if (secureEndpoint) {
          return import_https.Agent.prototype.getName.call(this, options);
        }
        return super.getName(options);
      }
      createSocket(req, options, cb) {
        const connectOpts = {
          ...options,
          secureEndpoint: this.isSecureEndpoint(options)
        };
        const name = this.getName(connectOpts);
        const fakeSocket = this.incrementSockets(name);
        Promise.resolve().then(() => this.connect(req, connectOpts)).then((socket) => {
          this.decrementSockets(name, fakeSocket);
          if (typeof socket.addRequest === "function") {
            try {
              return socket.addRequest(req, connectOpts);
            } catch (err) {
              return cb(err);
            }
          }
          this[INTERNAL].currentSocket = socket;
          super.createSocket(req, options, cb);
        }, (err) => {
          this.decrementSockets(name, fakeSocket);
          cb(err);
        });
      }
      createConnection() {
        const socket = this[INTERNAL].currentSocket;
        this[INTERNAL].currentSocket = void 0;
        if (!socket) {
          throw new Error("No socket was returned in the `connect()` function");
        }
        return socket;
      }
      get defaultPort() {
        return this[INTERNAL].defaultPort ?? (this.protocol === "https:" ? 443 : 80);
      }
      set defaultPort(v) {
        if (this[INTERNAL]) {
          this[INTERNAL].defaultPort = v;
        }
      }
      get protocol() {
        return this[INTERNAL].protocol ?? (this.isSecureEndpoint() ? "https:" : "http:");
      }
      set protocol(v) {
        if (this[INTERNAL]) {
          this[INTERNAL].protocol = v;
        }
      }
    };
  }
});

// node_modules/ms/index.js
var require_ms = __commonJS({
  "node_modules/ms/index.js"(exports2, module2) {
    var s = 1e3;
    var m = s * 60;
    var h = m * 60;
    var d = h * 24;
    var w = d * 7;
    var y = d * 365.25;
    module2.exports = function(val, options) {
      options = options || {};
      var type = typeof val;
      if (type === "string" && val.length > 0) {
        return parse3(val);
      } else if (type === "number" && isFinite(val)) {
        return options.long ? fmtLong(val) : fmtShort(val);
      }
      throw new Error(
        "val is not a non-empty string or a valid number. val=" + JSON.stringify(val)
      );
    };
    function parse3(str) {
      str = String(str);
      if (str.length > 100) {
        return;
      }
      var match = /^(-?(?:\d+)?\.?\d+) *(milliseconds?|msecs?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w|years?|yrs?|y)?$/i.exec(
        str
      );
      if (!match) {
        return;
      }
      var n = parseFloat(match[1]);
      var type = (match[2] || "ms").toLowerCase();
      switch (type) {
        case "years":
        case "year":
        case "yrs":
        case "yr":
        case "y":
          return n * y;
        case "weeks":
        case "week":
        case "w":
          return n * w;
        case "days":
        case "day":
        case "d":
          return n * d;
        case "hours":
        case "hour":
        case "hrs":
        case "hr":
        case "h":
          return n * h;
        case "minutes":
        case "minute":
        case "mins":
        case "min":
        case "m":
          return n * m;
        case "seconds":
        case "second":
        case "secs":
        case "sec":
        case "s":
          return n * s;
        case "milliseconds":
        case "millisecond":
        case "msecs":
        case "msec":
        case "ms":
          return n;
        default:
          return void 0;
      }
    }
    __name(parse3, "parse");
    function fmtShort(ms) {
      var msAbs = Math.abs(ms);
      if (msAbs >= d) {
        return Math.round(ms / d) + "d";
      }
      if (msAbs >= h) {
        return Math.round(ms / h) + "h";
      }
      if (msAbs >= m) {
        return Math.round(ms / m) + "m";
      }
      if (msAbs >= s) {
        return Math.round(ms / s) + "s";
      }
      return ms + "ms";
    }
    __name(fmtShort, "fmtShort");
    function fmtLong(ms) {
      var msAbs = Math.abs(ms);
      if (msAbs >= d) {
        return plural(ms, msAbs, d, "day");
      }
      if (msAbs >= h) {
        return plural(ms, msAbs, h, "hour");
      }
      if (msAbs >= m) {
        return plural(ms, msAbs, m, "minute");
      }
      if (msAbs >= s) {
        return plural(ms, msAbs, s, "second");
      }
      return ms + " ms";
    }
    __name(fmtLong, "fmtLong");
    function plural(ms, msAbs, n, name) {
      var isPlural = msAbs >= n * 1.5;
      return Math.round(ms / n) + " " + name + (isPlural ? "s" : "");
    }
    __name(plural, "plural");
  }
});

// node_modules/debug/src/common.js
var require_common2 = __commonJS({
  "node_modules/debug/src/common.js"(exports2, module2) {
    function setup(env) {
      createDebug2.debug = createDebug2;
      createDebug2.default = createDebug2;
      createDebug2.coerce = coerce;
      createDebug2.disable = disable;
      createDebug2.enable = enable;
      createDebug2.enabled = enabled;
      createDebug2.humanize = require_ms();
      createDebug2.destroy = destroy;
      Object.keys(env).forEach((key) => {
        createDebug2[key] = env[key];
      });
      createDebug2.names = [];
      createDebug2.skips = [];
      createDebug2.formatters = {};
      function selectColor(namespace) {
        let hash = 0;
        for (let i = 0; i < namespace.length; i++) {
          hash = (hash << 5) - hash + namespace.charCodeAt(i);
          hash |= 0;
        }
        return createDebug2.colors[Math.abs(hash) % createDebug2.colors.length];
      }
      __name(selectColor, "selectColor");
      createDebug2.selectColor = selectColor;
      function createDebug2(namespace) {
        let prevTime;
        let enableOverride = null;
        let namespacesCache;
        let enabledCache;
        function debug3(...args) {
          if (!debug3.enabled) {
            return;
          }
          const self = debug3;
          const curr = Number(/* @__PURE__ */ new Date());
          const ms = curr - (prevTime || curr);
          self.diff = ms;
          self.prev = prevTime;
          self.curr = curr;
          prevTime = curr;
          args[0] = createDebug2.coerce(args[0]);
          if (typeof args[0] !== "string") {
            args.unshift("%O");
          }
          let index = 0;
          args[0] = args[0].replace(/%([a-zA-Z%])/g, (match, format) => {
            if (match === "%%") {
              return "%";
            }
            index++;
            const formatter = createDebug2.formatters[format];
            if (typeof formatter === "function") {
              const val = args[index];
              match = formatter.call(self, val);
              args.splice(index, 1);
              index--;
            }
            return match;
          });
          createDebug2.formatArgs.call(self, args);
          const logFn = self.log || createDebug2.log;
          logFn.apply(self, args);
        }
        __name(debug3, "debug");
        debug3.namespace = namespace;
        debug3.useColors = createDebug2.useColors();
        debug3.color = createDebug2.selectColor(namespace);
        debug3.extend = extend;
        debug3.destroy = createDebug2.destroy;
        Object.defineProperty(debug3, "enabled", {
          enumerable: true,
          configurable: false,
          get: /* @__PURE__ */ __name(() => {
            if (enableOverride !== null) {
              return enableOverride;
            }
            if (namespacesCache !== createDebug2.namespaces) {
              namespacesCache = createDebug2.namespaces;
              enabledCache = createDebug2.enabled(namespace);
            }
            return enabledCache;
          }, "get"),
          set: /* @__PURE__ */ __name((v) => {
            enableOverride = v;
          }, "set")
        });
        if (typeof createDebug2.init === "function") {
          createDebug2.init(debug3);
        }
        return debug3;
      }
      __name(createDebug2, "createDebug");
      function extend(namespace, delimiter3) {
        const newDebug = createDebug2(this.namespace + (typeof delimiter3 === "undefined" ? ":" : delimiter3) + namespace);
        newDebug.log = this.log;
        return newDebug;
      }
      __name(extend, "extend");
      function enable(namespaces) {
        createDebug2.save(namespaces);
        createDebug2.namespaces = namespaces;
        createDebug2.names = [];
        createDebug2.skips = [];
        const split = (typeof namespaces === "string" ? namespaces : "").trim().replace(/\s+/g, ",").split(",").filter(Boolean);
        for (const ns of split) {
          if (ns[0] === "-") {
            createDebug2.skips.push(ns.slice(1));
          } else {
            createDebug2.names.push(ns);
          }
        }
      }
      __name(enable, "enable");
      function matchesTemplate(search, template) {
        let searchIndex = 0;
        let templateIndex = 0;
        let starIndex = -1;
        let matchIndex = 0;
        while (searchIndex < search.length) {
          if (templateIndex < template.length && (template[templateIndex] === search[searchIndex] || template[templateIndex] === "*")) {
            if (template[templateIndex] === "*") {
              starIndex = templateIndex;
              matchIndex = searchIndex;
              templateIndex++;
            } else {
              searchIndex++;
              templateIndex++;
            }
          } else if (starIndex !== -1) {
            templateIndex = starIndex + 1;
            matchIndex++;
            searchIndex = matchIndex;
          } else {
            return false;
          }
        }
        while (templateIndex < template.length && template[templateIndex] === "*") {
          templateIndex++;
        }
        return templateIndex === template.length;
      }
      __name(matchesTemplate, "matchesTemplate");
      function disable() {
        const namespaces = [
          ...createDebug2.names,
          ...createDebug2.skips.map((namespace) => "-" + namespace)
        ].join(",");
        createDebug2.enable("");
        return namespaces;
      }
      __name(disable, "disable");
      function enabled(name) {
        for (const skip of createDebug2.skips) {
          if (matchesTemplate(name, skip)) {
            return false;
          }
        }
        for (const ns of createDebug2.names) {
          if (matchesTemplate(name, ns)) {
            return true;
          }
        }
        return false;
      }
      __name(enabled, "enabled");
      function coerce(val) {
        if (val instanceof Error) {
          return val.stack || val.message;
        }
        return val;
      }
      __name(coerce, "coerce");
      function destroy() {
        console.warn("Instance method `debug.destroy()` is deprecated and no longer does anything. It will be removed in the next major version of `debug`.");
      }
      __name(destroy, "destroy");
      createDebug2.enable(createDebug2.load());
      return createDebug2;
    }
    __name(setup, "setup");
    module2.exports = setup;
  }
});

// node_modules/debug/src/browser.js
var require_browser = __commonJS({
  "node_modules/debug/src/browser.js"(exports2, module2) {
    exports2.formatArgs = formatArgs;
    exports2.save = save;
    exports2.load = load2;
    exports2.useColors = useColors;
    exports2.storage = localstorage();
    exports2.destroy = /* @__PURE__ */ (() => {
      let warned = false;
      return () => {
        if (!warned) {
          warned = true;
          console.warn("Instance method `debug.destroy()` is deprecated and no longer does anything. It will be removed in the next major version of `debug`.");
        }
      };
    })();
    exports2.colors = [
      "#0000CC",
      "#0000FF",
      "#0033CC",
      "#0033FF",
      "#0066CC",
      "#0066FF",
      "#0099CC",
      "#0099FF",
      "#00CC00",
      "#00CC33",
      "#00CC66",
      "#00CC99",
      "#00CCCC",
      "#00CCFF",
      "#3300CC",
      "#3300FF",
      "#3333CC",
      "#3333FF",
      "#3366CC",
      "#3366FF",
      "#3399CC",
      "#3399FF",
      "#33CC00",
      "#33CC33",
      "#33CC66",
      "#33CC99",
      "#33CCCC",
      "#33CCFF",
      "#6600CC",
      "#6600FF",
      "#6633CC",
      "#6633FF",
      "#66CC00",
      "#66CC33",
      "#9900CC",
      "#9900FF",
      "#9933CC",
      "#9933FF",
      "#99CC00",
      "#99CC33",
      "#CC0000",
      "#CC0033",
      "#CC0066",
      "#CC0099",
      "#CC00CC",
      "#CC00FF",
      "#CC3300",
      "#CC3333",
      "#CC3366",
      "#CC3399",
      "#CC33CC",
      "#CC33FF",
      "#CC6600",
      "#CC6633",
      "#CC9900",
      "#CC9933",
      "#CCCC00",
      "#CCCC33",
      "#FF0000",
      "#FF0033",
      "#FF0066",
      "#FF0099",
      "#FF00CC",
      "#FF00FF",
      "#FF3300",
      "#FF3333",
      "#FF3366",
      "#FF3399",
      "#FF33CC",
      "#FF33FF",
      "#FF6600",
      "#FF6633",
      "#FF9900",
      "#FF9933",
      "#FFCC00",
      "#FFCC33"
    ];
    function useColors() {
      if (typeof window !== "undefined" && window.process && (window.process.type === "renderer" || window.process.__nwjs)) {
        return true;
      }
      if (typeof navigator !== "undefined" && navigator.userAgent && navigator.userAgent.toLowerCase().match(/(edge|trident)\/(\d+)/)) {
        return false;
      }
      let m;
      return typeof document !== "undefined" && document.documentElement && document.documentElement.style && document.documentElement.style.WebkitAppearance || // Is firebug? http://stackoverflow.com/a/398120/376773
      typeof window !== "undefined" && window.console && (window.console.firebug || window.console.exception && window.console.table) || // Is firefox >= v31?
      // https://developer.mozilla.org/en-US/docs/Tools/Web_Console#Styling_messages
      typeof navigator !== "undefined" && navigator.userAgent && (m = navigator.userAgent.toLowerCase().match(/firefox\/(\d+)/)) && parseInt(m[1], 10) >= 31 || // Double check webkit in userAgent just in case we are in a worker
      typeof navigator !== "undefined" && navigator.userAgent && navigator.userAgent.toLowerCase().match(/applewebkit\/(\d+)/);
    }
    __name(useColors, "useColors");
    function formatArgs(args) {
      args[0] = (this.useColors ? "%c" : "") + this.namespace + (this.useColors ? " %c" : " ") + args[0] + (this.useColors ? "%c " : " ") + "+" + module2.exports.humanize(this.diff);
      if (!this.useColors) {
        return;
      }
      const c = "color: " + this.color;
      args.splice(1, 0, c, "color: inherit");
      let index = 0;
      let lastC = 0;
      args[0].replace(/%[a-zA-Z%]/g, (match) => {
        if (match === "%%") {
          return;
        }
        index++;
        if (match === "%c") {
          lastC = index;
        }
      });
      args.splice(lastC, 0, c);
    }
    __name(formatArgs, "formatArgs");
    exports2.log = console.debug || console.log || (() => {
    });
    function save(namespaces) {
      try {
        if (namespaces) {
          exports2.storage.setItem("debug", namespaces);
        } else {
          exports2.storage.removeItem("debug");
        }
      } catch (error2) {
      }
    }
    __name(save, "save");
    function load2() {
      let r;
      try {
        r = exports2.storage.getItem("debug") || exports2.storage.getItem("DEBUG");
      } catch (error2) {
      }
      if (!r && typeof process !== "undefined" && "env" in process) {
        r = process.env.DEBUG;
      }
      return r;
    }
    __name(load2, "load");
    function localstorage() {
      try {
        return localStorage;
      } catch (error2) {
      }
    }
    __name(localstorage, "localstorage");
    module2.exports = require_common2()(exports2);
    var { formatters } = module2.exports;
    formatters.j = function(v) {
      try {
        return JSON.stringify(v);
      } catch (error2) {
        return "[UnexpectedJSONParseError]: " + error2.message;
      }
    };
  }
});

// node_modules/has-flag/index.js
var require_has_flag = __commonJS({
  "node_modules/has-flag/index.js"(exports2, module2) {
    "use strict";
    module2.exports = (flag, argv = process.argv) => {
      const prefix = flag.startsWith("-") ? "" : flag.length === 1 ? "-" : "--";
      const position = argv.indexOf(prefix + flag);
      const terminatorPosition = argv.indexOf("--");
      return position !== -1 && (terminatorPosition === -1 || position < terminatorPosition);
    };
  }
});

// node_modules/supports-color/index.js
var require_supports_color = __commonJS({
  "node_modules/supports-color/index.js"(exports2, module2) {
    "use strict";
    var os4 = __nccwpck_require__(857);
    var tty = __nccwpck_require__(18);
    var hasFlag = require_has_flag();
    var { env } = process;
    var forceColor;
    if (hasFlag("no-color") || hasFlag("no-colors") || hasFlag("color=false") || hasFlag("color=never")) {
      forceColor = 0;
    } else if (hasFlag("color") || hasFlag("colors") || hasFlag("color=true") || hasFlag("color=always")) {
      forceColor = 1;
    }
    if ("FORCE_COLOR" in env) {
      if (env.FORCE_COLOR === "true") {
        forceColor = 1;
      } else if (env.FORCE_COLOR === "false") {
        forceColor = 0;
      } else {
        forceColor = env.FORCE_COLOR.length === 0 ? 1 : Math.min(parseInt(env.FORCE_COLOR, 10), 3);
      }
    }
    function translateLevel(level) {
      if (level === 0) {
        return false;
      }
      return {
        level,
        hasBasic: true,
        has256: level >= 2,
        has16m: level >= 3
      };
    }
    __name(translateLevel, "translateLevel");
    function supportsColor(haveStream, streamIsTTY) {
      if (forceColor === 0) {
        return 0;
      }
      if (hasFlag("color=16m") || hasFlag("color=full") || hasFlag("color=truecolor")) {
        return 3;
      }
      if (hasFlag("color=256")) {
        return 2;
      }
      if (haveStream && !streamIsTTY && forceColor === void 0) {
        return 0;
      }
      const min = forceColor || 0;
      if (env.TERM === "dumb") {
        return min;
      }
      if (process.platform === "win32") {
        const osRelease = os4.release().split(".");
        if (Number(osRelease[0]) >= 10 && Number(osRelease[2]) >= 10586) {
          return Number(osRelease[2]) >= 14931 ? 3 : 2;
        }
        return 1;
      }
      if ("CI" in env) {
        if (["TRAVIS", "CIRCLECI", "APPVEYOR", "GITLAB_CI", "GITHUB_ACTIONS", "BUILDKITE"].some((sign) => sign in env) || env.CI_NAME === "codeship") {
          return 1;
        }
        return min;
      }
      if ("TEAMCITY_VERSION" in env) {
        return /^(9\.(0*[1-9]\d*)\.|\d{2,}\.)/.test(env.TEAMCITY_VERSION) ? 1 : 0;
      }
      if (env.COLORTERM === "truecolor") {
        return 3;
      }
      if ("TERM_PROGRAM" in env) {
        const version = parseInt((env.TERM_PROGRAM_VERSION || "").split(".")[0], 10);
        switch (env.TERM_PROGRAM) {
          case "iTerm.app":
            return version >= 3 ? 3 : 2;
          case "Apple_Terminal":
            return 2;
        }
      }
      if (/-256(color)?$/i.test(env.TERM)) {
        return 2;
      }
      if (/^screen|^xterm|^vt100|^vt220|^rxvt|color|ansi|cygwin|linux/i.test(env.TERM)) {
        return 1;
      }
      if ("COLORTERM" in env) {
        return 1;
      }
      return min;
    }
    __name(supportsColor, "supportsColor");
    function getSupportLevel(stream) {
      const level = supportsColor(stream, stream && stream.isTTY);
      return translateLevel(level);
    }
    __name(getSupportLevel, "getSupportLevel");
    module2.exports = {
      supportsColor: getSupportLevel,
      stdout: translateLevel(supportsColor(true, tty.isatty(1))),
      stderr: translateLevel(supportsColor(true, tty.isatty(2)))
    };
  }
});

// node_modules/debug/src/node.js
var require_node = __commonJS({
  "node_modules/debug/src/node.js"(exports2, module2) {
    var tty = __nccwpck_require__(18);
    var util = __nccwpck_require__(23);
    exports2.init = init;
    exports2.log = log;
    exports2.formatArgs = formatArgs;
    exports2.save = save;
    exports2.load = load2;
    exports2.useColors = useColors;
    exports2.destroy = util.deprecate(
      () => {
      },
      "Instance method `debug.destroy()` is deprecated and no longer does anything. It will be removed in the next major version of `debug`."
    );
    exports2.colors = [6, 2, 3, 4, 5, 1];
    try {
      const supportsColor = require_supports_color();
      if (supportsColor && (supportsColor.stderr || supportsColor).level >= 2) {
        exports2.colors = [
          20,
          21,
          26,
          27,
          32,
          33,
          38,
          39,
          40,
          41,
          42,
          43,
          44,
          45,
          56,
          57,
          62,
          63,
          68,
          69,
          74,
          75,
          76,
          77,
          78,
          79,
          80,
          81,
          92,
          93,
          98,
          99,
          112,
          113,
          128,
          129,
          134,
          135,
          148,
          149,
          160,
          161,
          162,
          163,
          164,
          165,
          166,
          167,
          168,
          169,
          170,
          171,
          172,
          173,
          178,
          179,
          184,
          185,
          196,
          197,
          198,
          199,
          200,
          201,
          202,
          203,
          204,
          205,
          206,
          207,
          208,
          209,
          214,
          215,
          220,
          221
        ];
      }
    } catch (error2) {
    }
    exports2.inspectOpts = Object.keys(process.env).filter((key) => {
      return /^debug_/i.test(key);
    }).reduce((obj, key) => {
      const prop = key.substring(6).toLowerCase().replace(/_([a-z])/g, (_, k) => {
        return k.toUpperCase();
      });
      let val = process.env[key];
      if (/^(yes|on|true|enabled)$/i.test(val)) {
        val = true;
      } else if (/^(no|off|false|disabled)$/i.test(val)) {
        val = false;
      } else if (val === "null") {
        val = null;
      } else {
        val = Number(val);
      }
      obj[prop] = val;
      return obj;
    }, {});
    function useColors() {
      return "colors" in exports2.inspectOpts ? Boolean(exports2.inspectOpts.colors) : tty.isatty(process.stderr.fd);
    }
    __name(useColors, "useColors");
    function formatArgs(args) {
      const { namespace: name, useColors: useColors2 } = this;
      if (useColors2) {
        const c = this.color;
        const colorCode = "\x1B[3" + (c < 8 ? c : "8;5;" + c);
        const prefix = `  ${colorCode};1m${name} \x1B[0m`;
        args[0] = prefix + args[0].split("\n").join("\n" + prefix);
        args.push(colorCode + "m+" + module2.exports.humanize(this.diff) + "\x1B[0m");
      } else {
        args[0] = getDate() + name + " " + args[0];
      }
    }
    __name(formatArgs, "formatArgs");
    function getDate() {
      if (exports2.inspectOpts.hideDate) {
        return "";
      }
      return (/* @__PURE__ */ new Date()).toISOString() + " ";
    }
    __name(getDate, "getDate");
    function log(...args) {
      return process.stderr.write(util.formatWithOptions(exports2.inspectOpts, ...args) + "\n");
    }
    __name(log, "log");
    function save(namespaces) {
      if (namespaces) {
        process.env.DEBUG = namespaces;
      } else {
        delete process.env.DEBUG;
      }
    }
    __name(save, "save");
    function load2() {
      return process.env.DEBUG;
    }
    __name(load2, "load");
    function init(debug3) {
      debug3.inspectOpts = {};
      const keys = Object.keys(exports2.inspectOpts);
      for (let i = 0; i < keys.length; i++) {
        debug3.inspectOpts[keys[i]] = exports2.inspectOpts[keys[i]];
      }
    }
    __name(init, "init");
    module2.exports = require_common2()(exports2);
    var { formatters } = module2.exports;
    formatters.o = function(v) {
      this.inspectOpts.colors = this.useColors;
      return util.inspect(v, this.inspectOpts).split("\n").map((str) => str.trim()).join(" ");
    };
    formatters.O = function(v) {
      this.inspectOpts.colors = this.useColors;
      return util.inspect(v, this.inspectOpts);
    };
  }
});

// node_modules/debug/src/index.js
var require_src = __commonJS({
  "node_modules/debug/src/index.js"(exports2, module2) {
    if (typeof process === "undefined" || process.type === "renderer" || process.browser === true || process.__nwjs) {
      module2.exports = require_browser();
    } else {
      module2.exports = require_node();
    }
  }
});

// node_modules/socks-proxy-agent/dist/index.js
var dist_exports = {};
__export(dist_exports, {
  SocksProxyAgent: () => SocksProxyAgent
});
function parseSocksURL(url) {
  let lookup2 = false;
  let type = 5;
  const host = url.hostname;
  const port = parseInt(url.port, 10) || 1080;
  switch (url.protocol.replace(":", "")) {
    case "socks4":
      lookup2 = true;
      type = 4;
      break;
    // pass through
    case "socks4a":
      type = 4;
      break;
    case "socks5":
      lookup2 = true;
      type = 5;
      break;
    // pass through
    case "socks":
      type = 5;
      break;
    case "socks5h":
      type = 5;
      break;
    default:
      throw new TypeError(`A "socks" protocol must be specified! Got: ${String(url.protocol)}`);
  }
  const proxy = {
    host,
    port,
    type
  };
  if (url.username) {
    Object.defineProperty(proxy, "userId", {
      value: decodeURIComponent(url.username),
      enumerable: false
    });
  }
  if (url.password != null) {
    Object.defineProperty(proxy, "password", {
      value: decodeURIComponent(url.password),
      enumerable: false
    });
  }
  return { lookup: lookup2, proxy };
}
function omit(obj, ...keys) {
  const ret = {};
  let key;
  for (key in obj) {
    if (!keys.includes(key)) {
      ret[key] = obj[key];
    }
  }
  return ret;
}
var import_socks, import_debug, dns, net2, tls, import_url, debug, setServernameFromNonIpHost, SocksProxyAgent;
var init_dist2 = __esm({
  "node_modules/socks-proxy-agent/dist/index.js"() {
    import_socks = __toESM(require_index_js());
    init_dist();
    import_debug = __toESM(require_src());
    dns = __toESM(__nccwpck_require__(250));
    net2 = __toESM(__nccwpck_require__(278));
    tls = __toESM(__nccwpck_require__(756));
    import_url = __nccwpck_require__(16);
    debug = (0, import_debug.default)("socks-proxy-agent");
    setServernameFromNonIpHost = /* @__PURE__ */ __name((options) => {
      if (options.servername === void 0 && options.host && !net2.isIP(options.host)) {
        return {
          ...options,
          servername: options.host
        };
      }
      return options;
    }, "setServernameFromNonIpHost");
    __name(parseSocksURL, "parseSocksURL");
    SocksProxyAgent = class extends Agent3 {
      static {
        __name(this, "SocksProxyAgent");
      }
      constructor(uri, opts) {
        super(opts);
        const url = typeof uri === "string" ? new import_url.URL(uri) : uri;
        const { proxy, lookup: lookup2 } = parseSocksURL(url);
        this.shouldLookup = lookup2;
        this.proxy = proxy;
        this.proxyUrl = url.href;
        this.timeout = opts?.timeout ?? null;
        this.socketOptions = opts?.socketOptions ?? null;
      }
      /**
       * Initiates a SOCKS connection to the specified SOCKS proxy server,
       * which in turn connects to the specified remote host and port.
       */
      async connect(req, opts) {
        const { shouldLookup, proxy, timeout } = this;
        if (!opts.host) {
          throw new Error("No `host` defined!");
        }
        let { host } = opts;
        const { port, lookup: lookupFn = dns.lookup } = opts;
        if (shouldLookup) {
          host = await new Promise((resolve, reject) => {
            lookupFn(host, {}, (err, address) => {
              if (err) {
                reject(err);
              } else {
                resolve(typeof address === "string" ? address : address[0].address);
              }
            });
          });
        }
        const socksOpts = {
          proxy,
          destination: {
            host,
            port: typeof port === "number" ? port : parseInt(port, 10)
          },
          command: "connect",
          timeout: timeout ?? void 0,
          // @ts-expect-error the type supplied by socks for socket_options is wider
          // than necessary since socks will always override the host and port
          socket_options: this.socketOptions ?? void 0
        };
        const cleanup = /* @__PURE__ */ __name((tlsSocket) => {
          req.destroy();
          socket.destroy();
          if (tlsSocket)
            tlsSocket.destroy();
        }, "cleanup");
        debug("Creating socks proxy connection: %o", socksOpts);
        const { socket } = await import_socks.SocksClient.createConnection(socksOpts);
        debug("Successfully created socks proxy connection");
        req.emit("proxy", { proxy: this.proxyUrl, socket });
        if (timeout !== null) {
          socket.setTimeout(timeout);
          socket.on("timeout", () => cleanup());
        }
        if (opts.secureEndpoint) {
          debug("Upgrading socket connection to TLS");
          const tlsSocket = tls.connect({
            ...omit(setServernameFromNonIpHost(opts), "host", "path", "port"),
            socket
          });
          tlsSocket.once("error", (error2) => {
            debug("Socket TLS error", error2.message);
            cleanup(tlsSocket);
          });
          return tlsSocket;
        }
        return socket;
      }
    };
    SocksProxyAgent.protocols = [
      "socks",
      "socks4",
      "socks4a",
      "socks5",
      "socks5h"
    ];
    __name(omit, "omit");
  }
});

// stand-in:node_modules/socks-proxy-agent/dist/index.js.cjs
var require_index_js2 = __commonJS({
  "stand-in:node_modules/socks-proxy-agent/dist/index.js.cjs"(exports2, module2) {
    var load2 = /* @__PURE__ */ __name(() => (init_dist2(), __toCommonJS(dist_exports)), "load");
    module2.exports = {
      get "SocksProxyAgent"() {
        return load2()["SocksProxyAgent"];
      }
    };
  }
});

// node_modules/hpagent/index.js
var require_hpagent = __commonJS({
  "node_modules/hpagent/index.js"(exports2, module2) {
    "use strict";
    var https3 = __nccwpck_require__(692);
    var http3 = __nccwpck_require__(611);
    var { URL: URL3 } = __nccwpck_require__(16);
    var HttpProxyAgent3 = class extends http3.Agent {
      static {
        __name(this, "HttpProxyAgent");
      }
      constructor(options) {
        const { proxy, proxyRequestOptions, ...opts } = options;
        super(opts);
        this.proxy = typeof proxy === "string" ? new URL3(proxy) : proxy;
        this.proxyRequestOptions = proxyRequestOptions || {};
      }
      createConnection(options, callback) {
        const requestOptions = {
          ...this.proxyRequestOptions,
          method: "CONNECT",
          host: this.proxy.hostname,
          port: this.proxy.port,
          path: `${options.host}:${options.port}`,
          setHost: false,
          headers: { ...this.proxyRequestOptions.headers, connection: this.keepAlive ? "keep-alive" : "close", host: `${options.host}:${options.port}` },
          agent: false,
          timeout: options.timeout || 0
        };
        if (this.proxy.username || this.proxy.password) {
          const base642 = Buffer.from(`${decodeURIComponent(this.proxy.username || "")}:${decodeURIComponent(this.proxy.password || "")}`).toString("base64");
          requestOptions.headers["proxy-authorization"] = `Basic ${base642}`;
        }
        if (this.proxy.protocol === "https:") {
          requestOptions.servername = this.proxy.hostname;
        }
        const request = (this.proxy.protocol === "http:" ? http3 : https3).request(requestOptions);
        request.once("connect", (response, socket, head2) => {
          request.removeAllListeners();
          socket.removeAllListeners();
          if (response.statusCode === 200) {
            callback(null, socket);
          } else {
            socket.destroy();
            callback(new Error(`Bad response: ${response.statusCode}`), null);
          }
        });
        request.once("timeout", () => {
          request.destroy(new Error("Proxy timeout"));
        });
        request.once("error", (err) => {
          request.removeAllListeners();
          callback(err, null);
        });
        request.end();
      }
    };
    var HttpsProxyAgent3 = class extends https3.Agent {
      static {
        __name(this, "HttpsProxyAgent");
      }
      constructor(options) {
        const { proxy, proxyRequestOptions, ...opts } = options;
        super(opts);
        this.proxy = typeof proxy === "string" ? new URL3(proxy) : proxy;
        this.proxyRequestOptions = proxyRequestOptions || {};
      }
      createConnection(options, callback) {
        const requestOptions = {
          ...this.proxyRequestOptions,
          method: "CONNECT",
          host: this.proxy.hostname,
          port: this.proxy.port,
          path: `${options.host}:${options.port}`,
          setHost: false,
          headers: { ...this.proxyRequestOptions.headers, connection: this.keepAlive ? "keep-alive" : "close", host: `${options.host}:${options.port}` },
          agent: false,
          timeout: options.timeout || 0
        };
        if (this.proxy.username || this.proxy.password) {
          const base642 = Buffer.from(`${decodeURIComponent(this.proxy.username || "")}:${decodeURIComponent(this.proxy.password || "")}`).toString("base64");
          requestOptions.headers["proxy-authorization"] = `Basic ${base642}`;
        }
        if (this.proxy.protocol === "https:") {
          requestOptions.servername = this.proxy.hostname;
        }
        const request = (this.proxy.protocol === "http:" ? http3 : https3).request(requestOptions);
        request.once("connect", (response, socket, head2) => {
          request.removeAllListeners();
          socket.removeAllListeners();
          if (response.statusCode === 200) {
            const secureSocket = super.createConnection({ ...options, socket });
            callback(null, secureSocket);
          } else {
            socket.destroy();
            callback(new Error(`Bad response: ${response.statusCode}`), null);
          }
        });
        request.once("timeout", () => {
          request.destroy(new Error("Proxy timeout"));
        });
        request.once("error", (err) => {
          request.removeAllListeners();
          callback(err, null);
        });
        request.end();
      }
    };
    module2.exports = {
      HttpProxyAgent: HttpProxyAgent3,
      HttpsProxyAgent: HttpsProxyAgent3
    };
  }
});

// node_modules/hpagent/index.mjs
var hpagent_exports = {};
__export(hpagent_exports, {
  HttpProxyAgent: () => HttpProxyAgent,
  HttpsProxyAgent: () => HttpsProxyAgent,
  default: () => hpagent_default
});
var import_index, hpagent_default, HttpProxyAgent, HttpsProxyAgent;
var init_hpagent = __esm({
  "node_modules/hpagent/index.mjs"() {
    import_index = __toESM(require_hpagent(), 1);
    hpagent_default = import_index.default;
    HttpProxyAgent = import_index.default.HttpProxyAgent;
    HttpsProxyAgent = import_index.default.HttpsProxyAgent;
  }
});

// stand-in:node_modules/hpagent/index.mjs.cjs
var require_index_mjs = __commonJS({
  "stand-in:node_modules/hpagent/index.mjs.cjs"(exports2, module2) {
    var load2 = /* @__PURE__ */ __name(() => (init_hpagent(), __toCommonJS(hpagent_exports)), "load");
    module2.exports = {
      get "HttpProxyAgent"() {
        return load2()["HttpProxyAgent"];
      },
      get "HttpsProxyAgent"() {
        return load2()["HttpsProxyAgent"];
      }
    };
  }
});

// node_modules/@kubernetes/client-node/package.json
var package_default;
var init_package = __esm({
  "node_modules/@kubernetes/client-node/package.json"() {
    package_default = {
      name: "@kubernetes/client-node",
      version: "2.0.1",
      description: "NodeJS client for kubernetes",
      type: "module",
      repository: {
        type: "git",
        url: "https://github.com/kubernetes-client/javascript.git"
      },
      files: [
        "dist/**/*.ts",
        "dist/**/*.js",
        "dist/**/*.map"
      ],
      main: "dist/index.js",
      types: "dist/index.d.ts",
      scripts: {
        format: 'prettier --log-level error --write "./src/**/*.ts"',
        lint: 'npm --prefix ./tools/lint ci && npm --prefix ./tools/lint run lint && prettier --check "./src/**/*.ts"',
        clean: "rm -Rf node_modules/ dist/ tools/lint/node_modules/ tools/docs/node_modules/",
        build: "tsc",
        "build-with-tests": "tsc --project tsconfig-with-tests.json && cp 'src/test/echo space.js' dist/test",
        generate: "./generate-client.sh",
        watch: "tsc --watch",
        test: "c8 node --test --test-reporter=spec --import tsx src/*_test.ts",
        "test-no-coverage": "node --test --test-reporter=spec --import tsx src/*_test.ts",
        "test-transpiled": "node --test --test-reporter=spec dist/*_test.js",
        "integration-test": "tsx src/test/integration/index.ts",
        prepare: "npm run build && husky",
        prepack: "npm run build",
        docs: "npm --prefix ./tools/docs ci && npm --prefix ./tools/docs run docs"
      },
      c8: {
        include: [
          "src/**/*.ts"
        ],
        exclude: [
          "src/gen/**/*.ts",
          "src/index.ts",
          "src/*_test.ts",
          "src/test"
        ],
        extension: [
          ".ts"
        ],
        reporter: [
          "text",
          "lcov",
          "text-summary",
          "html"
        ],
        sourceMap: true,
        instrument: true,
        all: true
      },
      author: "Kubernetes Authors",
      license: "Apache-2.0",
      dependencies: {
        "@types/js-yaml": "^4.0.1",
        "@types/node": "^26.0.0",
        "@types/stream-buffers": "^3.0.3",
        "form-data": "^4.0.0",
        hpagent: "^1.2.0",
        "isomorphic-ws": "^5.0.0",
        "js-yaml": "^5.1.0",
        "jsonpath-plus": "^10.3.0",
        "openid-client": "^6.1.3",
        rfc4648: "^1.3.0",
        socks: "^2.8.4",
        "socks-proxy-agent": "^10.0.0",
        "stream-buffers": "^3.0.2",
        "tar-fs": "^3.0.9",
        undici: "^8.7.0",
        ws: "^8.18.2"
      },
      devDependencies: {
        "@types/mock-fs": "^4.13.1",
        c8: "^12.0.0",
        husky: "^9.0.6",
        "mock-fs": "^5.2.0",
        prettier: "^3.0.0",
        "pretty-quick": "^4.0.0",
        "ts-mockito": "^2.3.1",
        tsx: "^4.21.0",
        typescript: "~7.0.2"
      },
      bugs: {
        url: "https://github.com/kubernetes-client/javascript/issues"
      },
      homepage: "https://github.com/kubernetes-client/javascript#readme",
      keywords: [
        "kubernetes",
        "client"
      ],
      prettier: {
        tabWidth: 4,
        printWidth: 110,
        trailingComma: "all",
        singleQuote: true,
        arrowParens: "always"
      }
    };
  }
});

// node_modules/@kubernetes/client-node/dist/gen/rxjsStub.js
function of(value) {
  return new Observable(Promise.resolve(value));
}
var Observable;
var init_rxjsStub = __esm({
  "node_modules/@kubernetes/client-node/dist/gen/rxjsStub.js"() {
    Observable = class _Observable {
      static {
        __name(this, "Observable");
      }
      constructor(promise) {
        this.promise = promise;
      }
      toPromise() {
        return this.promise;
      }
      pipe(callback) {
        return new _Observable(this.promise.then(callback));
      }
    };
    __name(of, "of");
  }
});

// node_modules/@kubernetes/client-node/dist/middleware.js
function setHeaderMiddleware(key, value) {
  return {
    pre: /* @__PURE__ */ __name((request) => {
      request.setHeaderParam(key, value);
      return of(request);
    }, "pre"),
    post: /* @__PURE__ */ __name((response) => {
      return of(response);
    }, "post")
  };
}
var init_middleware = __esm({
  "node_modules/@kubernetes/client-node/dist/middleware.js"() {
    init_rxjsStub();
    __name(setHeaderMiddleware, "setHeaderMiddleware");
  }
});

// node_modules/@kubernetes/client-node/dist/config.js
var config_exports = {};
__export(config_exports, {
  KubeConfig: () => KubeConfig,
  bufferFromFileOrString: () => bufferFromFileOrString,
  findHomeDir: () => findHomeDir,
  findObject: () => findObject,
  makeAbsolutePath: () => makeAbsolutePath
});
function getUserAgent() {
  var _a;
  const version = (_a = package_default.version) !== null && _a !== void 0 ? _a : "";
  return `kubernetes-client-javascript/${version}`;
}
function fileExists(filepath) {
  try {
    import_node_fs4.default.accessSync(filepath);
    return true;
  } catch {
    return false;
  }
}
function createSocksConnector(proxyUrl, tlsOptions) {
  const parsedProxy = new URL(proxyUrl);
  const proxyHost = parsedProxy.hostname;
  const proxyPort = parseInt(parsedProxy.port, 10) || 1080;
  let socksType = 5;
  const proto = parsedProxy.protocol.replace(":", "");
  if (proto === "socks4" || proto === "socks4a") {
    socksType = 4;
  }
  return (options, callback) => {
    const { hostname, port, protocol, servername } = options;
    import_socks2.SocksClient.createConnection({
      proxy: { host: proxyHost, port: proxyPort, type: socksType },
      command: "connect",
      destination: { host: hostname, port: parseInt(port, 10) }
    }, (err, info2) => {
      if (err) {
        callback(err, null);
        return;
      }
      const socket = info2.socket;
      socket.setKeepAlive(true, 3e4);
      if (protocol === "https:") {
        callback(null, import_node_tls2.default.connect({
          ...tlsOptions,
          socket,
          servername: servername || hostname
        }));
      } else {
        callback(null, socket);
      }
    });
  };
}
function makeAbsolutePath(root, file) {
  if (!root || import_node_path4.default.isAbsolute(file)) {
    return file;
  }
  return import_node_path4.default.join(root, file);
}
function bufferFromFileOrString(file, data) {
  if (file) {
    return import_node_fs4.default.readFileSync(file);
  }
  if (data) {
    return Buffer.from(data, "base64");
  }
  return null;
}
function dropDuplicatesAndNils(a) {
  return a.reduce((acceptedValues, currentValue) => {
    if (currentValue && !acceptedValues.includes(currentValue)) {
      return acceptedValues.concat(currentValue);
    } else {
      return acceptedValues;
    }
  }, []);
}
function findHomeDir(platform = process.platform) {
  if (platform !== "win32") {
    if (process.env.HOME) {
      try {
        import_node_fs4.default.accessSync(process.env.HOME);
        return process.env.HOME;
      } catch {
      }
    }
    return null;
  }
  const homeDrivePath = process.env.HOMEDRIVE && process.env.HOMEPATH ? import_node_path4.default.join(process.env.HOMEDRIVE, process.env.HOMEPATH) : "";
  const homePath = process.env.HOME || "";
  const userProfile = process.env.USERPROFILE || "";
  const favourHomeDrivePathList = dropDuplicatesAndNils([homePath, homeDrivePath, userProfile]);
  const favourUserProfileList = dropDuplicatesAndNils([homePath, userProfile, homeDrivePath]);
  for (const dir of favourHomeDrivePathList) {
    try {
      import_node_fs4.default.accessSync(import_node_path4.default.join(dir, ".kube", "config"));
      return dir;
    } catch {
    }
  }
  for (const dir of favourUserProfileList) {
    try {
      import_node_fs4.default.accessSync(dir, import_node_fs4.default.constants.W_OK);
      return dir;
    } catch {
    }
  }
  for (const dir of favourUserProfileList) {
    try {
      import_node_fs4.default.accessSync(dir);
      return dir;
    } catch {
    }
  }
  return favourUserProfileList[0] || null;
}
function findObject(list, name, key) {
  if (!list) {
    return null;
  }
  for (const obj of list) {
    if (obj.name === name) {
      if (obj[key]) {
        obj[key].name = name;
        return obj[key];
      }
      return obj;
    }
  }
  return null;
}
var import_node_fs4, import_node_https2, import_node_http, import_node_tls2, import_node_net2, import_node_path4, import_node_child_process4, import_socks_proxy_agent, import_socks2, import_hpagent, SERVICEACCOUNT_ROOT, SERVICEACCOUNT_CA_PATH, SERVICEACCOUNT_TOKEN_PATH, SERVICEACCOUNT_NAMESPACE_PATH, USER_AGENT_KEY, KubeConfig;
var init_config = __esm({
  "node_modules/@kubernetes/client-node/dist/config.js"() {
    import_node_fs4 = __toESM(__nccwpck_require__(24), 1);
    import_node_https2 = __toESM(__nccwpck_require__(708), 1);
    import_node_http = __toESM(__nccwpck_require__(67), 1);
    import_node_tls2 = __toESM(__nccwpck_require__(311), 1);
    init_js_yaml();
    import_node_net2 = __toESM(__nccwpck_require__(30), 1);
    import_node_path4 = __toESM(__nccwpck_require__(760), 1);
    init_undici();
    init_azure_auth();
    init_config_types();
    init_exec_auth();
    init_file_auth();
    init_gcp_auth();
    init_gen();
    init_oidc_auth();
    import_node_child_process4 = __toESM(__nccwpck_require__(421), 1);
    import_socks_proxy_agent = __toESM(require_index_js2(), 1);
    import_socks2 = __toESM(require_index_js(), 1);
    import_hpagent = __toESM(require_index_mjs(), 1);
    init_package();
    init_middleware();
    SERVICEACCOUNT_ROOT = "/var/run/secrets/kubernetes.io/serviceaccount";
    SERVICEACCOUNT_CA_PATH = SERVICEACCOUNT_ROOT + "/ca.crt";
    SERVICEACCOUNT_TOKEN_PATH = SERVICEACCOUNT_ROOT + "/token";
    SERVICEACCOUNT_NAMESPACE_PATH = SERVICEACCOUNT_ROOT + "/namespace";
    USER_AGENT_KEY = "User-Agent";
    __name(getUserAgent, "getUserAgent");
    __name(fileExists, "fileExists");
    __name(createSocksConnector, "createSocksConnector");
    KubeConfig = class _KubeConfig {
      static {
        __name(this, "KubeConfig");
      }
      // Optionally add additional external authenticators, you must do this
      // before you load a kubeconfig file that references them.
      addAuthenticator(authenticator) {
        this.custom_authenticators.push(authenticator);
      }
      constructor() {
        this.authenticators = [
          new AzureAuth(),
          new GoogleCloudPlatformAuth(),
          new ExecAuth(),
          new FileAuth(),
          new OpenIDConnectAuth()
        ];
        this.custom_authenticators = [];
        this.agentCache = /* @__PURE__ */ new Map();
        this.contexts = [];
        this.clusters = [];
        this.users = [];
      }
      getContexts() {
        return this.contexts;
      }
      getClusters() {
        return this.clusters;
      }
      getUsers() {
        return this.users;
      }
      getCurrentContext() {
        return this.currentContext;
      }
      setCurrentContext(context) {
        this.currentContext = context;
      }
      getContextObject(name) {
        if (!this.contexts) {
          return null;
        }
        return findObject(this.contexts, name, "context");
      }
      getCurrentCluster() {
        const context = this.getCurrentContextObject();
        if (!context) {
          return null;
        }
        return this.getCluster(context.cluster);
      }
      getCluster(name) {
        return findObject(this.clusters, name, "cluster");
      }
      getCurrentUser() {
        const ctx = this.getCurrentContextObject();
        if (!ctx) {
          return null;
        }
        return this.getUser(ctx.user);
      }
      getUser(name) {
        return findObject(this.users, name, "user");
      }
      loadFromFile(file, opts) {
        const rootDirectory = import_node_path4.default.dirname(file);
        this.loadFromString(import_node_fs4.default.readFileSync(file).toString("utf-8"), opts);
        this.makePathsAbsolute(rootDirectory);
      }
      async applyToHTTPSOptions(opts) {
        const user = this.getCurrentUser();
        const cluster = this.getCurrentCluster();
        await this.applyOptions(opts);
        if (user && user.username) {
          opts.auth = `${user.username}:${user.password}`;
        }
        const agentOptions = {};
        agentOptions.ca = opts.ca;
        agentOptions.cert = opts.cert;
        agentOptions.key = opts.key;
        agentOptions.pfx = opts.pfx;
        agentOptions.passphrase = opts.passphrase;
        if (opts.rejectUnauthorized !== void 0) {
          agentOptions.rejectUnauthorized = opts.rejectUnauthorized;
        }
        agentOptions.timeout = opts.timeout;
        agentOptions.servername = opts.servername;
        agentOptions.ciphers = opts.ciphers;
        agentOptions.honorCipherOrder = opts.honorCipherOrder;
        agentOptions.ecdhCurve = opts.ecdhCurve;
        agentOptions.clientCertEngine = opts.clientCertEngine;
        agentOptions.crl = opts.crl;
        agentOptions.dhparam = opts.dhparam;
        agentOptions.secureOptions = opts.secureOptions;
        agentOptions.secureProtocol = opts.secureProtocol;
        agentOptions.sessionIdContext = opts.sessionIdContext;
        opts.agent = this.createAgent(cluster, agentOptions);
      }
      /**
       * Applies SecurityAuthentication to RequestContext of an API Call from API Client
       * @param context
       */
      async applySecurityAuthentication(context) {
        const cluster = this.getCurrentCluster();
        const user = this.getCurrentUser();
        const agentOptions = {};
        const httpsOptions = {};
        await this.applyOptions(httpsOptions);
        if (user && user.username) {
          const auth = Buffer.from(`${user.username}:${user.password}`).toString("base64");
          context.setHeaderParam("Authorization", `Basic ${auth}`);
        }
        const headers = httpsOptions.headers || {};
        Object.entries(headers).forEach(([key, value]) => {
          context.setHeaderParam(key, `${value}`);
        });
        agentOptions.ca = httpsOptions.ca;
        agentOptions.cert = httpsOptions.cert;
        agentOptions.key = httpsOptions.key;
        agentOptions.pfx = httpsOptions.pfx;
        agentOptions.passphrase = httpsOptions.passphrase;
        if (httpsOptions.rejectUnauthorized !== void 0) {
          agentOptions.rejectUnauthorized = httpsOptions.rejectUnauthorized;
        }
        if (httpsOptions.servername !== void 0) {
          agentOptions.servername = httpsOptions.servername;
        }
        const dispatcher = this.createDispatcher(cluster, agentOptions);
        if (dispatcher !== void 0) {
          context.setDispatcher(dispatcher);
        }
      }
      /**
       * Returns name of this security authentication method
       * @returns string
       */
      getName() {
        return "kubeconfig authentication";
      }
      loadFromString(config, opts) {
        const obj = load(config);
        this.clusters = newClusters(obj.clusters, opts);
        this.contexts = newContexts(obj.contexts, opts);
        this.users = newUsers(obj.users, opts);
        this.currentContext = obj["current-context"];
      }
      loadFromOptions(options) {
        this.clusters = options.clusters;
        this.contexts = options.contexts;
        this.users = options.users;
        this.currentContext = options.currentContext;
      }
      loadFromClusterAndUser(cluster, user) {
        this.clusters = [cluster];
        this.users = [user];
        this.currentContext = "loaded-context";
        this.contexts = [
          {
            cluster: cluster.name,
            user: user.name,
            name: this.currentContext
          }
        ];
      }
      loadFromCluster(pathPrefix = "") {
        const host = process.env.KUBERNETES_SERVICE_HOST;
        const port = process.env.KUBERNETES_SERVICE_PORT;
        const clusterName = "inCluster";
        const userName = "inClusterUser";
        const contextName = "inClusterContext";
        let scheme = "https";
        if (port === "80" || port === "8080" || port === "8001") {
          scheme = "http";
        }
        let serverHost = host;
        if (host && import_node_net2.default.isIPv6(host)) {
          serverHost = `[${host}]`;
        }
        this.clusters = [
          {
            name: clusterName,
            caFile: `${pathPrefix}${SERVICEACCOUNT_CA_PATH}`,
            server: `${scheme}://${serverHost}:${port}`,
            skipTLSVerify: false
          }
        ];
        this.users = [
          {
            name: userName,
            authProvider: {
              name: "tokenFile",
              config: {
                tokenFile: `${pathPrefix}${SERVICEACCOUNT_TOKEN_PATH}`
              }
            }
          }
        ];
        const namespaceFile = `${pathPrefix}${SERVICEACCOUNT_NAMESPACE_PATH}`;
        let namespace;
        if (fileExists(namespaceFile)) {
          namespace = import_node_fs4.default.readFileSync(namespaceFile).toString("utf-8");
        }
        this.contexts = [
          {
            cluster: clusterName,
            name: contextName,
            user: userName,
            namespace
          }
        ];
        this.currentContext = contextName;
      }
      mergeConfig(config, preserveContext = false) {
        if (!preserveContext && config.currentContext) {
          this.currentContext = config.currentContext;
        }
        config.clusters.forEach((cluster) => {
          this.addCluster(cluster);
        });
        config.users.forEach((user) => {
          this.addUser(user);
        });
        config.contexts.forEach((ctx) => {
          this.addContext(ctx);
        });
      }
      addCluster(cluster) {
        if (!this.clusters) {
          this.clusters = [];
        }
        this.clusters.forEach((c, ix) => {
          if (c.name === cluster.name) {
            throw new Error(`Duplicate cluster: ${c.name}`);
          }
        });
        this.clusters.push(cluster);
      }
      addUser(user) {
        if (!this.users) {
          this.users = [];
        }
        this.users.forEach((c, ix) => {
          if (c.name === user.name) {
            throw new Error(`Duplicate user: ${c.name}`);
          }
        });
        this.users.push(user);
      }
      addContext(ctx) {
        if (!this.contexts) {
          this.contexts = [];
        }
        this.contexts.forEach((c, ix) => {
          if (c.name === ctx.name) {
            throw new Error(`Duplicate context: ${c.name}`);
          }
        });
        this.contexts.push(ctx);
      }
      loadFromDefault(opts, contextFromStartingConfig = false, platform = process.platform) {
        if (process.env.KUBECONFIG && process.env.KUBECONFIG.length > 0) {
          const files = process.env.KUBECONFIG.split(import_node_path4.default.delimiter).filter((filename) => filename);
          this.loadFromFile(files[0], opts);
          for (let i = 1; i < files.length; i++) {
            const kc = new _KubeConfig();
            kc.loadFromFile(files[i], opts);
            this.mergeConfig(kc, contextFromStartingConfig);
          }
          return;
        }
        const home = findHomeDir(platform);
        if (home) {
          const config = import_node_path4.default.join(home, ".kube", "config");
          if (fileExists(config)) {
            this.loadFromFile(config, opts);
            return;
          }
        }
        if (platform === "win32") {
          try {
            const envKubeconfigPathResult = import_node_child_process4.default.spawnSync("wsl.exe", [
              "bash",
              "-c",
              "printenv KUBECONFIG"
            ]);
            if (envKubeconfigPathResult.status === 0 && envKubeconfigPathResult.stdout.length > 0) {
              const result = import_node_child_process4.default.spawnSync("wsl.exe", [
                "cat",
                envKubeconfigPathResult.stdout.toString("utf8")
              ]);
              if (result.status === 0) {
                this.loadFromString(result.stdout.toString("utf8"), opts);
                return;
              }
            }
          } catch {
          }
          try {
            const configResult = import_node_child_process4.default.spawnSync("wsl.exe", ["cat", "~/.kube/config"]);
            if (configResult.status === 0) {
              this.loadFromString(configResult.stdout.toString("utf8"), opts);
              const result = import_node_child_process4.default.spawnSync("wsl.exe", ["wslpath", "-w", "~/.kube"]);
              if (result.status === 0) {
                this.makePathsAbsolute(result.stdout.toString("utf8"));
              }
              return;
            }
          } catch {
          }
        }
        if (fileExists(SERVICEACCOUNT_TOKEN_PATH)) {
          this.loadFromCluster();
          return;
        }
        this.loadFromClusterAndUser({ name: "cluster", server: "http://localhost:8080" }, { name: "user" });
      }
      makeApiClient(apiClientType) {
        const cluster = this.getCurrentCluster();
        if (!cluster) {
          throw new Error("No active cluster!");
        }
        const authConfig = {
          default: this
        };
        const baseServerConfig = new ServerConfiguration(cluster.server, {});
        const config = createConfiguration({
          baseServer: baseServerConfig,
          authMethods: authConfig,
          middleware: [setHeaderMiddleware(USER_AGENT_KEY, getUserAgent())]
        });
        const apiClient = new apiClientType(config);
        return apiClient;
      }
      makePathsAbsolute(rootDirectory) {
        this.clusters.forEach((cluster) => {
          if (cluster.caFile) {
            cluster.caFile = makeAbsolutePath(rootDirectory, cluster.caFile);
          }
        });
        this.users.forEach((user) => {
          if (user.certFile) {
            user.certFile = makeAbsolutePath(rootDirectory, user.certFile);
          }
          if (user.keyFile) {
            user.keyFile = makeAbsolutePath(rootDirectory, user.keyFile);
          }
        });
      }
      exportConfig() {
        const configObj = {
          apiVersion: "v1",
          kind: "Config",
          clusters: this.clusters.map(exportCluster),
          users: this.users.map(exportUser),
          contexts: this.contexts.map(exportContext),
          preferences: {},
          "current-context": this.getCurrentContext()
        };
        return JSON.stringify(configObj);
      }
      getCurrentContextObject() {
        return this.getContextObject(this.currentContext);
      }
      /**
       * Returns a stable cache key for the current cluster/user pair.
       * Agents are associated with a specific cluster (TLS endpoint) and user
       * (client certificate / auth), so keying on the tuple avoids opening a new
       * TLS connection on every Watch reconnection or WebSocket re-attach for the
       * same endpoint.
       */
      getAgentCacheKey(cluster) {
        var _a;
        var _b, _c;
        const clusterName = (_b = cluster === null || cluster === void 0 ? void 0 : cluster.name) !== null && _b !== void 0 ? _b : "";
        const userName = (_c = (_a = this.getCurrentUser()) === null || _a === void 0 ? void 0 : _a.name) !== null && _c !== void 0 ? _c : "";
        return JSON.stringify([clusterName, userName]);
      }
      createAgent(cluster, agentOptions) {
        var _a, _b;
        const cacheKey = this.getAgentCacheKey(cluster);
        const cached = this.agentCache.get(cacheKey);
        if (cached !== void 0) {
          return cached;
        }
        let agent;
        if (cluster && cluster.proxyUrl) {
          if (cluster.proxyUrl.startsWith("socks")) {
            agent = new import_socks_proxy_agent.SocksProxyAgent(cluster.proxyUrl, agentOptions);
          } else if (cluster.server.startsWith("https")) {
            const httpsProxyAgentOptions = agentOptions;
            httpsProxyAgentOptions.proxy = cluster.proxyUrl;
            agent = new import_hpagent.HttpsProxyAgent(httpsProxyAgentOptions);
          } else if (cluster.server.startsWith("http")) {
            const httpProxyAgentOptions = agentOptions;
            httpProxyAgentOptions.proxy = cluster.proxyUrl;
            agent = new import_hpagent.HttpProxyAgent(httpProxyAgentOptions);
          } else {
            throw new Error("Unsupported proxy type");
          }
        } else if (((_a = cluster === null || cluster === void 0 ? void 0 : cluster.server) === null || _a === void 0 ? void 0 : _a.startsWith("http:")) && cluster.skipTLSVerify) {
          agent = new import_node_http.default.Agent(agentOptions);
        } else if (((_b = cluster === null || cluster === void 0 ? void 0 : cluster.server) === null || _b === void 0 ? void 0 : _b.startsWith("http:")) && !cluster.skipTLSVerify) {
          throw new Error("HTTP protocol is not allowed when skipTLSVerify is not set or false");
        } else {
          agent = new import_node_https2.default.Agent(agentOptions);
        }
        this.agentCache.set(cacheKey, agent);
        return agent;
      }
      /**
       * Build the dispatcher configuration (options + type) without constructing
       * the actual Dispatcher instance.  Exposed as a separate method so that
       * tests can validate the option-mapping logic directly instead of reaching
       * into undici's Symbol-keyed private state.
       */
      createDispatcherOptions(cluster, agentOptions) {
        var _a;
        const tlsOptions = {};
        if (agentOptions.ca !== void 0)
          tlsOptions.ca = agentOptions.ca;
        if (agentOptions.cert !== void 0)
          tlsOptions.cert = agentOptions.cert;
        if (agentOptions.key !== void 0)
          tlsOptions.key = agentOptions.key;
        if (agentOptions.pfx !== void 0)
          tlsOptions.pfx = agentOptions.pfx;
        if (agentOptions.passphrase !== void 0)
          tlsOptions.passphrase = agentOptions.passphrase;
        if (agentOptions.rejectUnauthorized !== void 0)
          tlsOptions.rejectUnauthorized = agentOptions.rejectUnauthorized;
        if (agentOptions.servername !== void 0)
          tlsOptions.servername = agentOptions.servername;
        if (cluster && cluster.proxyUrl) {
          if (cluster.proxyUrl.startsWith("socks")) {
            return { type: "socks", uri: cluster.proxyUrl, requestTls: tlsOptions };
          }
          if (!cluster.server.startsWith("https") && !cluster.server.startsWith("http")) {
            throw new Error("Unsupported proxy type");
          }
          return {
            type: "proxy",
            uri: cluster.proxyUrl,
            requestTls: tlsOptions,
            connect: { keepAlive: true, keepAliveInitialDelay: 3e4 }
          };
        } else if (((_a = cluster === null || cluster === void 0 ? void 0 : cluster.server) === null || _a === void 0 ? void 0 : _a.startsWith("http:")) && !cluster.skipTLSVerify) {
          throw new Error("HTTP protocol is not allowed when skipTLSVerify is not set or false");
        }
        if (Object.keys(tlsOptions).length === 0) {
          return { type: "none" };
        }
        return { type: "agent", connect: { ...tlsOptions, keepAlive: true, keepAliveInitialDelay: 3e4 } };
      }
      createDispatcher(cluster, agentOptions) {
        const opts = this.createDispatcherOptions(cluster, agentOptions);
        switch (opts.type) {
          case "proxy":
            return new ProxyAgent({
              uri: opts.uri,
              requestTls: opts.requestTls,
              connect: opts.connect
            });
          case "socks":
            return new Agent({ connect: createSocksConnector(opts.uri, opts.requestTls) });
          case "agent":
            return new Agent({ connect: opts.connect });
          case "none":
            return void 0;
        }
      }
      applyHTTPSOptions(opts) {
        var _a;
        const cluster = this.getCurrentCluster();
        const user = this.getCurrentUser();
        if (!user) {
          return;
        }
        if (cluster != null && cluster.skipTLSVerify) {
          opts.rejectUnauthorized = false;
        }
        if (cluster != null && cluster.tlsServerName) {
          opts.servername = cluster.tlsServerName;
        }
        const ca = cluster != null ? bufferFromFileOrString(cluster.caFile, cluster.caData) : null;
        if (ca) {
          opts.ca = ca;
        }
        const cert = bufferFromFileOrString(user.certFile, user.certData);
        if (cert) {
          opts.cert = cert;
        }
        const key = bufferFromFileOrString(user.keyFile, user.keyData);
        if (key) {
          opts.key = key;
        }
        if (user.impersonateUser != null) {
          (_a = opts.headers) !== null && _a !== void 0 ? _a : opts.headers = {};
          opts.headers["Impersonate-User"] = user.impersonateUser;
        }
      }
      async applyAuthorizationHeader(opts) {
        const user = this.getCurrentUser();
        if (!user) {
          return;
        }
        let authenticator = this.authenticators.find((elt) => {
          return elt.isAuthProvider(user);
        });
        if (!authenticator) {
          authenticator = this.custom_authenticators.find((elt) => {
            return elt.isAuthProvider(user);
          });
        }
        if (!opts.headers) {
          opts.headers = {};
        }
        if (authenticator) {
          await authenticator.applyAuthentication(user, opts);
        }
        if (user.token) {
          opts.headers.Authorization = `Bearer ${user.token}`;
        }
      }
      async applyOptions(opts) {
        this.applyHTTPSOptions(opts);
        await this.applyAuthorizationHeader(opts);
      }
    };
    __name(makeAbsolutePath, "makeAbsolutePath");
    __name(bufferFromFileOrString, "bufferFromFileOrString");
    __name(dropDuplicatesAndNils, "dropDuplicatesAndNils");
    __name(findHomeDir, "findHomeDir");
    __name(findObject, "findObject");
  }
});

// src/main.ts
var main_exports = {};
__export(main_exports, {
  startAction: () => startAction,
  startCli: () => startCli
});
module.exports = __toCommonJS(main_exports);

// src/clock.ts
var systemClock = {
  monotonicMs: /* @__PURE__ */ __name(() => performance.now(), "monotonicMs"),
  wallMs: /* @__PURE__ */ __name(() => Date.now(), "wallMs"),
  after: /* @__PURE__ */ __name((delayMs, wake) => {
    const timer = setTimeout(wake, Math.max(0, delayMs));
    return () => clearTimeout(timer);
  }, "after")
};
function sleep(clock, delayMs, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const finish = /* @__PURE__ */ __name(() => {
      cancel();
      signal?.removeEventListener("abort", finish);
      resolve();
    }, "finish");
    const cancel = clock.after(delayMs, finish);
    signal?.addEventListener("abort", finish, { once: true });
  });
}
__name(sleep, "sleep");

// src/process-end.ts
var IN_A_THREAD = /^(?:FSReq|GetAddrInfoReq|GetNameInfoReq)/;
function endProcess(code, ending = process) {
  const { execPath } = ending;
  if (ending.execve !== void 0 && ending.getActiveResourcesInfo().some((name) => IN_A_THREAD.test(name))) {
    try {
      ending.execve(execPath, [execPath, "-e", `process.exit(${code})`], {});
    } catch {
    }
  }
  ending.exit(code);
}
__name(endProcess, "endProcess");

// src/cancellation.ts
var SIGNALS = ["SIGINT", "SIGTERM"];
var CANCELLATION_LIMIT_MS = 5e3;
var THIS_PROCESS = {
  on: /* @__PURE__ */ __name((event, listener) => process.on(event, listener), "on"),
  exit: /* @__PURE__ */ __name((code) => endProcess(code), "exit")
};
function listenForCancellation(overdueExitCode, source = THIS_PROCESS, clock = systemClock) {
  const controller = new AbortController();
  const cancel = /* @__PURE__ */ __name((name) => {
    if (controller.signal.aborted) return;
    clock.after(CANCELLATION_LIMIT_MS, () => source.exit(overdueExitCode));
    const cancellation = Object.assign(new Error(`cancelled by ${name}`), { atMs: clock.monotonicMs() });
    controller.abort(cancellation);
  }, "cancel");
  for (const name of SIGNALS) source.on(name, cancel);
  return controller.signal;
}
__name(listenForCancellation, "listenForCancellation");

// src/cli.ts
var import_promises4 = __nccwpck_require__(455);

// src/cli/arguments.ts
var import_node_util = __nccwpck_require__(975);

// src/contract.ts
var INPUT_GROUPS = ["Cluster", "What is judged", "Time", "Calico", "Result"];
var BOOLEAN = "true or false";
var DURATION = "a duration of at most 168h such as 90s, 10m, 1h30m or 500ms (a bare number is seconds)";
var COUNT = "a whole number, 0 or more";
var NAMESPACE = "a namespace: lower case letters, digits and hyphens, at most 63 characters";
var NAMESPACES = `a list with commas, spaces or line breaks; each entry ${NAMESPACE}`;
var INPUTS = [
  {
    name: "kubeconfig",
    type: "path",
    default: "",
    description: "Path of a kubeconfig file. Empty: the files in KUBECONFIG, then ~/.kube/config, then the service account of the pod that this runs in",
    allowed: "the path of a file that can be read",
    group: "Cluster"
  },
  {
    name: "context",
    type: "name",
    default: "",
    description: "Context of the kubeconfig to use. Empty: its current context",
    allowed: "the name of a context, on one line",
    group: "Cluster"
  },
  {
    name: "namespaces",
    type: "namespaces",
    default: "",
    description: "Namespaces to judge, separated by commas, spaces or line breaks. Empty: all of them, the system ones too",
    allowed: NAMESPACES,
    group: "What is judged"
  },
  {
    name: "exclude-namespaces",
    type: "namespaces",
    default: "",
    description: "Namespaces to leave out when all are judged; not together with namespaces",
    allowed: NAMESPACES,
    group: "What is judged"
  },
  {
    name: "selector",
    type: "selector",
    default: "",
    description: 'Label selector of the pods to judge, such as "app=shop,tier in (web,api)". Workloads follow their pods. Empty: every pod',
    allowed: 'a label selector such as "app=shop,tier!=test", "env in (dev,prod)", "canary" or "!canary"',
    group: "What is judged"
  },
  {
    name: "min-pods",
    type: "count",
    default: "1",
    description: "Fewer pods in scope than this is unhealthy, so that a mistyped selector does not pass; 0 allows none at all",
    allowed: COUNT,
    group: "What is judged"
  },
  {
    name: "timeout",
    type: "duration",
    default: "10m",
    description: "Longest time until there is a verdict, such as 90s, 10m or 1h30m; a bare number is seconds",
    allowed: `longer than 0s: ${DURATION}`,
    group: "Time"
  },
  {
    name: "stable-for",
    type: "duration",
    default: "15s",
    description: "How long every workload must have stayed complete before the verdict is healthy; 0s: the first complete look decides",
    allowed: `shorter than timeout: ${DURATION}`,
    group: "Time"
  },
  {
    name: "stuck-after",
    type: "duration",
    default: "0s",
    description: "A pod that has been not ready for less than this is starting and does not count. 0s after a deploy, 5m for a scheduled sweep",
    allowed: DURATION,
    group: "Time"
  },
  {
    name: "fail-fast",
    type: "boolean",
    default: "true",
    description: "Stop as soon as a failure is certain not to heal by waiting, instead of using up timeout",
    allowed: BOOLEAN,
    group: "Time"
  },
  {
    name: "restart-calico-node",
    type: "boolean",
    default: "false",
    description: "Delete the calico-node pod of each node that has Calico's authorization failure, one node at a time. false: only the plan is reported",
    allowed: BOOLEAN,
    group: "Calico"
  },
  {
    name: "max-node-restarts",
    type: "count",
    default: "3",
    description: "Most nodes to restart calico-node on in one run",
    allowed: COUNT,
    group: "Calico"
  },
  {
    name: "restart-timeout",
    type: "duration",
    default: "3m",
    description: "Longest time for a restarted node to prove that its pods get a network again; at least 45s makes sense",
    allowed: DURATION,
    group: "Calico"
  },
  {
    name: "calico-namespace",
    type: "namespace",
    default: "",
    description: "Namespace of calico-node, for credentials that may not list DaemonSets in all namespaces. Empty: it is found",
    allowed: NAMESPACE,
    group: "Calico"
  },
  {
    name: "fail-on",
    type: "verdicts",
    default: "unhealthy, inconclusive",
    description: "Verdicts that make it fail: unhealthy, inconclusive or both; none: it only reports",
    allowed: "unhealthy, inconclusive or both, separated by commas, spaces or line breaks; or none alone",
    group: "Result"
  },
  {
    name: "report-file",
    type: "path",
    default: "",
    description: "File to write the JSON report to. Empty: calico-health-gate.json in RUNNER_TEMP in the action, none on the command line",
    allowed: "a path on one line",
    group: "Result"
  },
  {
    name: "job-summary",
    type: "boolean",
    default: "true",
    description: "Write the job summary, where the runner offers one",
    allowed: BOOLEAN,
    group: "Result"
  }
];
var EXIT_CODES = { healthy: 0, unhealthy: 1, inconclusive: 2, usage: 64 };

// src/kubeconfig-path.ts
var import_node_fs = __nccwpck_require__(24);

// src/printable.ts
var MAX_SHOWN_CHARACTERS = 80;
var SHORT_ESCAPES = {
  "\n": "\\n",
  "\r": "\\r",
  "	": "\\t",
  '"': '\\"',
  "\\": "\\\\"
};
function quote(value) {
  let shown = "";
  let length = 0;
  for (const character of value) {
    if (length === MAX_SHOWN_CHARACTERS) return `"${shown}…"`;
    shown += escaped(character, shown);
    length += 1;
  }
  return `"${shown}"`;
}
__name(quote, "quote");
function escaped(character, before2) {
  const short = SHORT_ESCAPES[character];
  if (short !== void 0) return short;
  if (character === "[" && before2.endsWith("##")) return "\\[";
  if (/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u.test(character))
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  return character;
}
__name(escaped, "escaped");

// src/kubeconfig-path.ts
var PASTED_KUBECONFIG = "is not shown: this is the content of a kubeconfig; write it to a file first, and give the path of that file";
var MAX_PATH_LENGTH = 4096;
var LEAST_BASE64_LENGTH = 64;
var YAML_OR_JSON = /^(?:---|[{[&%#])|(?:^|[\s{,])["']?[A-Za-z][\w-]*["']?:(?:\s|$)/;
var BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;
var PATH_START = /^(?:[/~.]|[A-Za-z]:[\\/])/;
var TOKEN = /^eyJ[\w-]+\./;
function looksLikeKubeconfigContent(value) {
  const text3 = value.trim();
  if (/[\r\n]/.test(text3) || text3.length > MAX_PATH_LENGTH) return true;
  return YAML_OR_JSON.test(text3) || TOKEN.test(text3) || looksLikeBase64(text3);
}
__name(looksLikeKubeconfigContent, "looksLikeKubeconfigContent");
function looksLikeBase64(text3) {
  if (!BASE64.test(text3)) return false;
  if (!PATH_START.test(text3) && (text3.length >= LEAST_BASE64_LENGTH || text3.endsWith("="))) return true;
  return YAML_OR_JSON.test(Buffer.from(text3, "base64").toString("latin1").trim());
}
__name(looksLikeBase64, "looksLikeBase64");
function unreadableKubeconfig(value, whyUnreadable) {
  const path2 = value.trim();
  if (path2 === "" || looksLikeKubeconfigContent(path2) || new RegExp("\\p{Cc}", "u").test(path2)) return null;
  const reason = whyUnreadable(path2);
  if (reason === null) return null;
  const hint = path2.startsWith("~") ? ' ("~" is replaced by a shell only: write the whole path)' : "";
  return `\`kubeconfig\` is ${quote(path2)}, which cannot be read: ${reason}${hint}; allowed: the path of a file that can be read, or nothing`;
}
__name(unreadableKubeconfig, "unreadableKubeconfig");
var whyFileIsUnreadable = /* @__PURE__ */ __name((path2) => {
  try {
    (0, import_node_fs.accessSync)(path2, import_node_fs.constants.R_OK);
    return (0, import_node_fs.statSync)(path2).isDirectory() ? "it is a directory" : null;
  } catch (error2) {
    return wordsFor(String(error2.code));
  }
}, "whyFileIsUnreadable");
function wordsFor(code) {
  switch (code) {
    case "ENOENT":
      return "there is no such file";
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "ENOTDIR":
      return "a part of the path is no directory";
    default:
      return code;
  }
}
__name(wordsFor, "wordsFor");

// src/cli/nearest.ts
function nearest(text3, candidates) {
  let best = null;
  let fewest = Math.floor(text3.length / 3) + 1;
  for (const candidate of candidates) {
    const slips = distance(text3.toLowerCase(), candidate.toLowerCase());
    if (slips < fewest) {
      best = candidate;
      fewest = slips;
    }
  }
  return best;
}
__name(nearest, "nearest");
function distance(a, b) {
  let beforeLast = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (beforeLast[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY
      );
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
__name(distance, "distance");

// src/cli/arguments.ts
var OTHER_FLAGS = ["help", "version", "json", "explain"];
var HABITS = /* @__PURE__ */ new Map([
  ["n", "namespaces"],
  ["l", "selector"],
  ["v", "version"],
  ["A", "namespaces (left out, it stands for all)"],
  ["all-namespaces", "namespaces (left out, it stands for all)"],
  ["output", "json"],
  ["o", "json"]
]);
var ADDS_UP = /* @__PURE__ */ new Set(["namespaces", "selector", "verdicts"]);
var SPECS = new Map(INPUTS.map((input) => [input.name, input]));
var LOOKS_LIKE_A_FLAG = /^-(?!\d)/;
function parseArguments(argv) {
  const { tokens } = (0, import_node_util.parseArgs)({
    args: [...argv],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: {
      ...Object.fromEntries(
        INPUTS.map(({ name, type }) => [name, { type: type === "boolean" ? "boolean" : "string" }])
      ),
      ...Object.fromEntries(OTHER_FLAGS.map((name) => [name, { type: "boolean" }])),
      help: { type: "boolean", short: "h" }
    }
  });
  const values = /* @__PURE__ */ new Map();
  const others = /* @__PURE__ */ new Set();
  const problems = /* @__PURE__ */ new Map();
  const positionals = [];
  const unknown2 = /* @__PURE__ */ new Map();
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") {
      positionals.push(token.value);
      continue;
    }
    const read = readOption(token.name, token.value, token.inlineValue === true);
    if ("flag" in read && token.value !== void 0) positionals.unshift(token.value);
    if ("input" in read) {
      values.set(read.input, [...values.get(read.input) ?? [], read.text]);
    } else if ("flag" in read) {
      others.add(read.flag);
    } else if ("problem" in read) {
      problems.set(token.index, read.problem);
    } else {
      unknown2.set(token.index, unknownFlag(argv[token.index] ?? token.rawName));
    }
  }
  const isSplit = (values.get("kubeconfig") ?? []).some(looksLikeKubeconfigContent);
  if (!isSplit) for (const [index, problem] of unknown2) problems.set(index, problem);
  if (others.has("help")) return { command: "help" };
  if (others.has("version")) return { command: "version" };
  if (others.has("explain") && positionals.length <= 1 && problems.size === 0) {
    return { command: "explain", cause: positionals[0] ?? null };
  }
  const all = [...problems].sort(([one], [other]) => one - other).map(([, problem]) => problem);
  const isStray = positionals.length > 0 && unknown2.size === 0 && !isSplit;
  if (isStray) all.push(strayArguments(positionals, others.has("explain")));
  else if (isSplit && positionals.length + unknown2.size > 0) all.push(SPLIT);
  return { command: "run", raw: rawSettings(values), json: others.has("json"), problems: all };
}
__name(parseArguments, "parseArguments");
function readOption(name, value, isInline) {
  const spec = SPECS.get(name);
  if (spec !== void 0) {
    const input = spec.name;
    if (spec.type === "boolean") return { input, text: value ?? "true" };
    if (value === void 0 || !isInline && LOOKS_LIKE_A_FLAG.test(value)) {
      return { problem: `--${name} needs a value: --${name}=VALUE` };
    }
    return { input, text: value };
  }
  const negated = name.startsWith("no-") ? SPECS.get(name.slice("no-".length)) : void 0;
  if (negated?.type === "boolean") return isInline ? noValue(name) : { input: negated.name, text: "false" };
  const flag = OTHER_FLAGS.find((other) => other === name);
  if (flag === void 0) return { unknown: true };
  return isInline && flag !== "explain" ? noValue(name) : { flag };
}
__name(readOption, "readOption");
function noValue(name) {
  return { problem: `--${name} takes no value` };
}
__name(noValue, "noValue");
function unknownFlag(typed) {
  if (looksLikeKubeconfigContent(typed)) return PASTED_ARGUMENT;
  const flag = typed.split("=", 1)[0] ?? typed;
  const name = flag.replace(/^-+/, "");
  const meant = HABITS.get(name) ?? nearest(name, [...SPECS.keys(), ...OTHER_FLAGS]);
  return `unknown flag ${quote(flag)}${meant === null ? "" : `; did you mean --${meant}?`}`;
}
__name(unknownFlag, "unknownFlag");
var PASTED_ARGUMENT = `an argument ${PASTED_KUBECONFIG}, as --kubeconfig=PATH`;
var SPLIT = "the words behind --kubeconfig are not shown either, for they may be parts of it";
function strayArguments(positionals, isExplain) {
  const [first = ""] = positionals;
  if (looksLikeKubeconfigContent(first)) return PASTED_ARGUMENT;
  const more2 = positionals.length > 1 ? ` and ${positionals.length - 1} more` : "";
  if (isExplain) return `--explain takes one cause, not ${quote(first)}${more2}`;
  return `unexpected argument ${quote(first)}${more2}: everything is a flag, and a boolean takes its value as --flag=false`;
}
__name(strayArguments, "strayArguments");
function rawSettings(values) {
  const entries = INPUTS.map(({ name, type }) => {
    const given = values.get(name) ?? [];
    return [name, ADDS_UP.has(type) ? given.filter((one) => one.trim() !== "").join(",") : given.at(-1) ?? ""];
  });
  return Object.fromEntries(entries);
}
__name(rawSettings, "rawSettings");

// src/health/causes.ts
var SECONDS = 1e3;
var MINUTES = 60 * SECONDS;
var ON_THE_WAY_IN_OR_OUT = ["sandbox", "terminating"];
var NETWORK_MS = 3 * MINUTES;
var OTHERS_MS = 5 * MINUTES;
var DESCRIBE = 'run "kubectl describe pod -n {namespace} {pod}"';
var PREVIOUS_LOGS = 'read "kubectl logs -n {namespace} {pod} --previous"';
var CAUSES = {
  CalicoUnauthorized: {
    title: "Calico's token is rejected on its node",
    means: "Calico's CNI plugin on the node holds a token that the API server no longer accepts, so no pod there gets or gives back its network.",
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: "calicoPatienceMs",
    advice: "restart the calico-node pod of node {node}: let the gate do it with restart-calico-node, or delete that pod by hand"
  },
  NodeNotReady: {
    title: "its node is not ready",
    means: "The node does not report, or reports that it cannot run pods; what its pods last said about themselves is stale.",
    stages: ["node"],
    patience: OTHERS_MS,
    advice: 'look at node {node}: "kubectl describe node {node}", its kubelet and its machine'
  },
  CalicoForbidden: {
    title: "Calico lacks a permission",
    means: "The API server knows the user of Calico's CNI plugin and forbids what it asks for; a restart does not help.",
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: NETWORK_MS,
    advice: "restore Calico's ClusterRole and ClusterRoleBinding for the user that the message names (apply Calico's manifest again)"
  },
  CniCertificate: {
    title: "the CNI plugin does not trust the API server",
    means: "The CNI plugin and the API server disagree about a certificate: its issuer, its name or its dates.",
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: NETWORK_MS,
    advice: "compare the API server's certificate and its CA with the plugin's kubeconfig on node {node}, and check the node's clock"
  },
  CniProxy: {
    title: "a proxy stands between the CNI plugin and the API server",
    means: "The CNI plugin's requests go through an HTTP proxy that refuses them.",
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: NETWORK_MS,
    advice: "add the service network and the API server to NO_PROXY of the container runtime and the kubelet on node {node}"
  },
  CniApiUnreachable: {
    title: "the CNI plugin cannot reach the API server",
    means: "The CNI plugin's requests to the API server end without an answer.",
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: NETWORK_MS,
    advice: "check from node {node} that the API server answers at the address in the message, and kube-proxy there"
  },
  CalicoNodeDown: {
    title: "calico-node has not come up on its node",
    means: "The CNI plugin waits for a file that calico-node writes when it starts on the node.",
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: NETWORK_MS,
    advice: "find out why calico-node on node {node} does not start: read its logs and those of its install-cni"
  },
  CalicoNotReady: {
    title: "Calico's datastore is locked or not set up",
    means: "Calico's ClusterInformation says that its datastore may not be used yet (datastoreReady is not true): a migration has locked it, or calico-node has not set it up. A restart does not help.",
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: NETWORK_MS,
    advice: 'look at "kubectl get clusterinformations default -o yaml" (datastoreReady); a migration unlocks it with "calicoctl datastore migrate unlock"'
  },
  IpamExhausted: {
    title: "no address is left for it",
    means: "The pools that pods get their addresses from have none left.",
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: NETWORK_MS,
    advice: 'add an address pool, or release leaked addresses ("calicoctl ipam check")'
  },
  OtherPluginUnauthorized: {
    title: "another CNI plugin's token is rejected",
    means: "The API server rejects the token of a CNI plugin that is not known to be Calico; restarting calico-node does not help.",
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: NETWORK_MS,
    advice: "restart the agent of the plugin that the message names on node {node}"
  },
  CniError: {
    title: "its network cannot be set up",
    means: "A CNI plugin reports an error.",
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: NETWORK_MS,
    advice: "look up the error in the documentation of the CNI plugin on node {node}"
  },
  SandboxError: {
    title: "its sandbox cannot be made",
    means: "The container runtime cannot make or remove the sandbox that all containers of the pod share.",
    stages: ON_THE_WAY_IN_OR_OUT,
    patience: NETWORK_MS,
    advice: "look at the container runtime on node {node}; the message has its words"
  },
  OutOfMemory: {
    title: "it runs out of memory",
    means: "The kernel killed a container because it used more memory than its limit.",
    stages: ["crash"],
    patience: "second end",
    advice: "raise the memory limit of the container that the message names, or find out what it needs the memory for"
  },
  CrashLoop: {
    title: "it keeps crashing",
    means: "A container ends again and again; the kubelet waits longer before each restart.",
    stages: ["crash"],
    patience: "third end",
    advice: PREVIOUS_LOGS
  },
  InitCrash: {
    title: "an init container keeps failing",
    means: "An init container ends with an error again and again, and the pod cannot start before it succeeds.",
    stages: ["crash"],
    patience: "third end",
    advice: 'read "kubectl logs -n {namespace} {pod} --previous -c" with the init container that the message names'
  },
  Failed: {
    title: "it failed",
    means: "It ended with an error and nothing will run it again.",
    stages: ["crash"],
    patience: "at once",
    advice: "read the logs of {owner} in namespace {namespace}, correct it and create it anew"
  },
  StartError: {
    title: "a container cannot be started",
    means: "The container runtime has the image and cannot start the program in it.",
    stages: ["start"],
    patience: 2 * MINUTES,
    advice: "check command, args, working directory and file permissions of the container against its image"
  },
  InvalidImage: {
    title: "its image name is invalid",
    means: "The name of the image is not one that a registry could have.",
    stages: ["image"],
    patience: "at once",
    advice: "correct the image name in {owner}"
  },
  ImageNotFound: {
    title: "its image does not exist",
    means: "The registry answers, and has no such image, tag or platform (or the node has none and may not pull).",
    stages: ["image"],
    patience: 30 * SECONDS,
    advice: "check that the image was pushed, and its tag and platform in {owner}"
  },
  ImageUnauthorized: {
    title: "its image may not be pulled",
    means: "The registry refuses the credentials, or there are none; many registries also say so when there is no such image.",
    stages: ["image"],
    patience: 60 * SECONDS,
    advice: "check the name of the image and the imagePullSecrets of {owner} and of its service account"
  },
  InvalidConfig: {
    title: "its container settings are refused",
    means: "The kubelet refuses to create the container as it is described.",
    stages: ["config"],
    patience: 30 * SECONDS,
    advice: "correct what the message names in {owner}"
  },
  MissingConfig: {
    title: "a Secret or ConfigMap that it needs is missing",
    means: "A container takes settings from a Secret, a ConfigMap or a key of one that does not exist (yet).",
    stages: ["config"],
    patience: OTHERS_MS,
    advice: "create what the message names in namespace {namespace}"
  },
  VolumeMissing: {
    title: "something that it mounts is missing",
    means: "A volume is made from a Secret, a ConfigMap, a claim or a key that does not exist (yet).",
    stages: ["volumes"],
    patience: OTHERS_MS,
    advice: "create what the message names in namespace {namespace}"
  },
  VolumeAttach: {
    title: "a volume cannot be attached to its node",
    means: "The storage driver cannot attach a volume, often because another node still has it.",
    stages: ["volumes"],
    patience: OTHERS_MS,
    advice: 'look where the volume is attached: "kubectl get volumeattachments"; a pod that still uses it must end first'
  },
  VolumeMount: {
    title: "a volume cannot be mounted",
    means: "The kubelet cannot mount a volume on the node.",
    stages: ["volumes"],
    patience: OTHERS_MS,
    advice: "look at the storage driver on node {node} and at the volume that the message names"
  },
  RegistryUnavailable: {
    title: "its registry does not answer",
    means: "The registry of the image cannot be reached, limits requests or fails.",
    stages: ["image"],
    patience: OTHERS_MS,
    advice: "check from node {node} that the registry in the message answers, and its rate limits"
  },
  ImageError: {
    title: "its image cannot be pulled",
    means: "The kubelet cannot get the image, for a reason that is none of the known ones.",
    stages: ["image"],
    patience: OTHERS_MS,
    advice: DESCRIBE
  },
  CreateRefused: {
    title: "its pods may not be created",
    means: "A quota, an admission webhook or a policy refuses the pods of the workload.",
    stages: ["workload"],
    patience: 60 * SECONDS,
    advice: "change the quota or policy that the message names, or what {owner} asks for"
  },
  Unschedulable: {
    title: "no node can take it",
    means: "The scheduler finds no node with what the pod asks for.",
    stages: ["scheduling"],
    patience: OTHERS_MS,
    advice: "compare what {owner} asks for (resources, affinity, tolerations, volumes) with the nodes; the message counts why each is out"
  },
  SchedulerSilent: {
    title: "no scheduler looks at it",
    means: "The pod has no node and no scheduler has said anything about it.",
    stages: ["scheduling"],
    patience: NETWORK_MS,
    advice: "check that the scheduler that its schedulerName asks for runs"
  },
  ProgressDeadline: {
    title: "its roll-out makes no progress",
    means: "The Deployment controller saw no progress for progressDeadlineSeconds.",
    stages: ["workload"],
    patience: "at once",
    advice: 'look at the newest pods of {owner}: "kubectl get pods -n {namespace}"'
  },
  TooFewPods: {
    title: "there are too few pods",
    means: "Fewer pods are in scope than min-pods, or a namespace of the scope does not exist.",
    stages: ["workload"],
    patience: "tooFewPodsMs",
    advice: "check namespaces and selector of the gate, and whether the deploy happened"
  },
  Unknown: {
    title: "it is not ready for a reason that is not known here",
    means: "The cluster gives a reason that is in none of the tables; the message has it in full.",
    stages: [
      "scheduling",
      "sandbox",
      "volumes",
      "image",
      "config",
      "start",
      "crash",
      "probe",
      "gate",
      "node",
      "workload"
    ],
    patience: NETWORK_MS,
    advice: DESCRIBE
  },
  SandboxSilent: {
    title: "it waits for its sandbox",
    means: "The pod has a node and no sandbox there, and no event says why.",
    stages: ["sandbox"],
    patience: "deadline",
    advice: "look at the kubelet and the container runtime on node {node}; events may have expired or be disabled"
  },
  NotStarted: {
    title: "it has not finished starting",
    means: "A container is being created, an init container runs, or a startup probe has not passed.",
    stages: ["probe"],
    patience: "deadline",
    advice: 'compare how long it takes to start with its startup probe, and read "kubectl logs -n {namespace} {pod}"'
  },
  NotReady: {
    title: "it runs and is not ready",
    means: "Its containers run, and a readiness probe does not pass.",
    stages: ["probe"],
    patience: "deadline",
    advice: 'try what the readiness probe asks, and read "kubectl logs -n {namespace} {pod}"'
  },
  ReadinessGate: {
    title: "a readiness gate is closed",
    means: "Its containers are ready, and a condition that somebody else must set is not True.",
    stages: ["gate"],
    patience: "deadline",
    advice: "look at the controller that sets the condition in the message (often that of a load balancer)"
  },
  SchedulingGated: {
    title: "its scheduling is held back",
    means: "The pod has scheduling gates that somebody else must remove.",
    stages: ["scheduling"],
    patience: "deadline",
    advice: "look at the controller that owns the scheduling gates of the pod"
  },
  NotRolledOut: {
    title: "it is not rolled out",
    means: "Its controller has not carried out the newest specification.",
    stages: ["workload"],
    patience: "deadline",
    advice: 'run "kubectl describe -n {namespace} {owner}"'
  },
  StuckTerminating: {
    title: "it does not go away",
    means: "The pod was deleted, its time is over, and something keeps it.",
    stages: ["terminating"],
    patience: "never",
    advice: "look at its finalizers and at the kubelet of node {node}"
  }
};

// src/health/advice.ts
var WITHOUT = {
  pod: "the pod",
  node: "of the pod",
  owner: "the pod"
};
function adviceFor(finding) {
  const { namespace, pod, node, owner } = finding;
  const podName = pod === null ? null : `pod ${pod}`;
  const names = {
    namespace,
    pod,
    node,
    owner: owner === null ? podName : `${owner.kind} ${owner.name}`
  };
  return CAUSES[finding.cause].advice.replaceAll(/\{(\w+)\}/g, (whole, name) => {
    return names[name] ?? WITHOUT[name] ?? whole;
  });
}
__name(adviceFor, "adviceFor");

// src/duration.ts
var MS = { h: 36e5, m: 6e4, s: 1e3 };
var MAX_DURATION_MS = 168 * MS.h;
var PARTS = /^(?:(\d+(?:\.\d{1,3})?)h)?\s*(?:(\d+(?:\.\d{1,3})?)m(?!s))?\s*(?:(\d+(?:\.\d{1,3})?)s)?\s*(?:(\d+)ms)?$/;
var BARE_SECONDS = /^\d+(?:\.\d{1,3})?$/;
function parseDuration(text3) {
  const trimmed = text3.trim();
  const ms = BARE_SECONDS.test(trimmed) ? Number(trimmed) * MS.s : sumOfParts(trimmed);
  if (ms === null || ms > MAX_DURATION_MS) return null;
  return Math.round(ms);
}
__name(parseDuration, "parseDuration");
function sumOfParts(text3) {
  const match = PARTS.exec(text3);
  if (match === null || match[0] === "") return null;
  const [, hours = "0", minutes = "0", seconds = "0", milliseconds = "0"] = match;
  return Number(hours) * MS.h + Number(minutes) * MS.m + Number(seconds) * MS.s + Number(milliseconds);
}
__name(sumOfParts, "sumOfParts");
function formatDuration(durationMs2) {
  if (durationMs2 === 0) return "0s";
  const hours = Math.floor(durationMs2 / MS.h);
  const minutes = Math.floor(durationMs2 % MS.h / MS.m);
  const seconds = Math.floor(durationMs2 % MS.m / MS.s);
  const milliseconds = durationMs2 % MS.s;
  const parts = [
    [hours, "h"],
    [minutes, "m"],
    [seconds, "s"],
    [milliseconds, "ms"]
  ];
  return parts.filter(([amount]) => amount > 0).map(([amount, unit]) => `${amount}${unit}`).join("");
}
__name(formatDuration, "formatDuration");
function formatSeconds(durationMs2) {
  return formatDuration(Math.max(0, Math.floor(durationMs2 / MS.s)) * MS.s);
}
__name(formatSeconds, "formatSeconds");

// src/health/patience.ts
function patienceMs(cause, timing) {
  const { patience } = CAUSES[cause];
  switch (patience) {
    case "at once":
    case "third end":
    case "second end":
      return 0;
    case "deadline":
    case "never":
      return null;
    case "calicoPatienceMs":
    case "tooFewPodsMs":
      return timing[patience];
    default:
      return patience;
  }
}
__name(patienceMs, "patienceMs");
function describePatience(cause, timing) {
  const { patience } = CAUSES[cause];
  switch (patience) {
    case "at once":
      return "at once, when two looks have seen it";
    case "third end":
      return "at once, from the third crash on";
    case "second end":
      return "at once, from the second time on";
    case "deadline":
      return "until the timeout";
    case "never":
      return "does not fail the gate";
    case "calicoPatienceMs":
      return `${formatDuration(timing[patience])} from its first event, and while a restart may still cure it`;
    case "tooFewPodsMs":
      return formatDuration(timing[patience]);
    default:
      return formatDuration(patience);
  }
}
__name(describePatience, "describePatience");

// src/timing.ts
var TIMING = {
  observationGapMs: 2e3,
  tickMs: 1e3,
  assessGapMs: 200,
  heartbeatMs: 3e4,
  overdueSlackMs: 3e4,
  tooFewPodsMs: 6e4,
  addedPodMs: 6e4,
  crashLoopEnds: 3,
  crashLoopRecentMs: 6e5,
  crashLoopReadyMs: 6e4,
  eligibleNodeAgeMs: 3e5,
  recentEvidenceMs: 6e4,
  confirmAgainMs: 5e3,
  viewGapMs: 5e3,
  catchUpMs: 15e3,
  standstillMs: 1e4,
  forbiddenRetryMs: 3e4,
  calicoStuckMs: 3e4,
  calicoPatienceMs: 12e4,
  volumeEventMs: 13e4,
  wellSandboxAfterMs: 15e3,
  wellSandboxWaitMs: 45e3,
  justInstalledMs: 3e4,
  siblingNotReadyMs: 3e5,
  newFailureMs: 18e5,
  refuteAfterMs: 5e3,
  leastTimeForRestartMs: 6e4,
  lateReviewsMs: 2e3,
  shutdownMs: 4e3
};

// src/cli/columns.ts
var PAGE_WIDTH = 96;
function wrap(text3, width) {
  const lines = [];
  let line = "";
  for (const word2 of text3.split(" ")) {
    if (line !== "" && line.length + 1 + word2.length > width) {
      lines.push(line);
      line = word2;
    } else {
      line = line === "" ? word2 : `${line} ${word2}`;
    }
  }
  return [...lines, line];
}
__name(wrap, "wrap");
function twoColumns(rows, at) {
  return rows.flatMap(([term, description]) => {
    const [first = "", ...more2] = wrap(description, PAGE_WIDTH - at);
    const begin = `  ${term}`;
    const head2 = begin.length < at - 1 ? [`${begin.padEnd(at)}${first}`] : [begin, `${" ".repeat(at)}${first}`];
    return [...head2, ...more2.map((line) => `${" ".repeat(at)}${line}`)];
  }).map((line) => line.trimEnd()).join("\n");
}
__name(twoColumns, "twoColumns");

// src/cli/explain.ts
var NAMES = Object.keys(CAUSES);
var TITLES_AT = 27;
var FACTS_AT = 15;
function explainText(name) {
  if (name === null) return { text: allCauses() };
  const cause = NAMES.find((one) => one.toLowerCase() === name.toLowerCase());
  if (cause !== void 0) return { text: oneCause(cause) };
  const meant = nearest(name, NAMES);
  const hint = meant === null ? "--explain without one lists them all" : `did you mean ${meant}?`;
  return { problem: `no cause is named ${quote(name)}; ${hint}` };
}
__name(explainText, "explainText");
function allCauses() {
  const rows = NAMES.map((cause) => [cause, CAUSES[cause].title]);
  return `Causes, worst first; --explain CAUSE says more about one:
${twoColumns(rows, TITLES_AT)}
`;
}
__name(allCauses, "allCauses");
function oneCause(cause) {
  const { title, means, stages } = CAUSES[cause];
  const rows = [
    ["Stage:", stages.join(", ")],
    ["Patience:", describePatience(cause, TIMING)],
    ["What to do:", adviceFor({ cause, ...STAND_INS })]
  ];
  return `${cause}: ${title}

${wrap(means, PAGE_WIDTH).join("\n")}

${twoColumns(rows, FACTS_AT)}
`;
}
__name(oneCause, "oneCause");
var STAND_INS = {
  namespace: "NAMESPACE",
  pod: "POD",
  node: "NODE",
  owner: { kind: "WORKLOAD", name: "NAME" }
};

// src/version.ts
var VERSION = "0.1.0";

// src/cli/help.ts
var DESCRIPTIONS_AT = 32;
var PLACEHOLDERS = {
  boolean: "",
  count: "COUNT",
  duration: "DURATION",
  name: "NAME",
  namespace: "NAMESPACE",
  namespaces: "NAMES",
  path: "PATH",
  selector: "SELECTOR",
  verdicts: "VERDICTS"
};
var PURPOSE = "Waits until what was deployed to a Kubernetes cluster is truly healthy, says in one sentence why it is not, and finds Calico's authorization failure; with --restart-calico-node it heals it, too.";
var SPELLING = "A value follows its flag, as --flag VALUE or --flag=VALUE. Flags for namespaces, selector and verdicts may be repeated and add up; of any other flag the last one counts.";
var EXAMPLES = [
  ["After a deploy to two namespaces:", "calico-health-gate --namespaces shop,web --timeout 5m"],
  [
    "The same, and heal Calico's authorization failure:",
    "calico-health-gate --namespaces shop,web --restart-calico-node"
  ],
  [
    "One application, the report for a script:",
    "calico-health-gate --namespaces shop --selector 'app=shop,!canary' --json > report.json"
  ],
  [
    "A sweep of a living cluster, from cron:",
    "calico-health-gate --stuck-after 5m --timeout 10m --exclude-namespaces sandbox"
  ],
  ["What a cause in the report means:", "calico-health-gate --explain CalicoUnauthorized"]
];
function helpText() {
  const sections = [
    `calico-health-gate ${VERSION}`,
    wrap(PURPOSE, PAGE_WIDTH).join("\n"),
    section("Usage", "  calico-health-gate [flags]\n  calico-health-gate --explain [CAUSE]"),
    wrap(SPELLING, PAGE_WIDTH).join("\n"),
    ...INPUT_GROUPS.map((group) => section(group, inputRows(INPUTS.filter((input) => input.group === group)))),
    section("Other", twoColumns(OTHER_ROWS, DESCRIPTIONS_AT)),
    section("Environment", twoColumns(ENVIRONMENT_ROWS, DESCRIPTIONS_AT)),
    section("Exit codes", twoColumns(EXIT_CODE_ROWS, 6)),
    section("Examples", EXAMPLES.map(([title, command]) => `  # ${title}
  ${command}`).join("\n\n"))
  ];
  return `${sections.join("\n\n")}
`;
}
__name(helpText, "helpText");
function section(title, body) {
  return `${title}:
${body}`;
}
__name(section, "section");
function inputRows(inputs) {
  return twoColumns(
    inputs.map((input) => [flagOf(input), describe(input)]),
    DESCRIPTIONS_AT
  );
}
__name(inputRows, "inputRows");
function flagOf({ name, type }) {
  return type === "boolean" ? `--[no-]${name}` : `--${name} ${PLACEHOLDERS[type]}`;
}
__name(flagOf, "flagOf");
function describe(input) {
  return input.default === "" ? input.description : `${input.description} [default: ${input.default}]`;
}
__name(describe, "describe");
var OTHER_ROWS = [
  ["--json", "Print the report as JSON on stdout, and everything else on stderr"],
  ["--explain [CAUSE]", "Say what a cause in the report means and what to do about it; without one, list them all"],
  ["--version", "Print the version"],
  ["-h, --help", "Print this"]
];
var ENVIRONMENT_ROWS = [
  ["KUBECONFIG", "Kubeconfig files where --kubeconfig is not given; several are merged"],
  ["HTTPS_PROXY, NO_PROXY", "Proxy on the way to the API server, and what is reached without it"],
  ["NODE_EXTRA_CA_CERTS", "File of certificate authorities to trust besides the usual ones"],
  ["RUNNER_DEBUG=1", "Print debug lines"]
];
var EXIT_CODE_ROWS = [
  [String(EXIT_CODES.healthy), "healthy, or a verdict that --fail-on does not list"],
  [String(EXIT_CODES.unhealthy), "unhealthy: positive evidence that something in scope is not ready"],
  [
    String(EXIT_CODES.inconclusive),
    "inconclusive: not enough could be seen to say (no cluster found, no access, API gone, cancelled)"
  ],
  [String(EXIT_CODES.usage), "usage error: nothing was asked of any cluster"]
];

// src/cli/redaction.ts
function redacted(stream, secrets) {
  return {
    get isTTY() {
      return stream.isTTY;
    },
    get columns() {
      return stream.columns;
    },
    write: /* @__PURE__ */ __name((text3) => stream.write(secrets.hide(text3)), "write")
  };
}
__name(redacted, "redacted");

// src/objects/metadata.ts
function conditionOf(conditions, type) {
  return conditions.find((condition) => condition.type === type) ?? null;
}
__name(conditionOf, "conditionOf");
function fullName(object) {
  return `${object.namespace}/${object.name}`;
}
__name(fullName, "fullName");

// src/objects/catching-up.ts
function catchUpLeftMs(coverage, { elapsedMs }, { catchUpMs }) {
  const { podsRegainedElapsedMs: regained } = coverage;
  if (regained === null || arePodsLost(coverage)) return 0;
  return Math.max(0, catchUpMs - (elapsedMs - regained));
}
__name(catchUpLeftMs, "catchUpLeftMs");
function arePodsLost({ gaps }) {
  return gaps.some(({ resource, why }) => resource === "pods" && why === "stale");
}
__name(arePodsLost, "arePodsLost");

// src/objects/pod.ts
function isReady(pod) {
  return conditionOf(pod.conditions, "Ready")?.status === "True";
}
__name(isReady, "isReady");
function isTerminating(pod) {
  return pod.deletionAtMs !== null;
}
__name(isTerminating, "isTerminating");
function hasEnded(pod) {
  return pod.phase === "Succeeded" || pod.phase === "Failed";
}
__name(hasEnded, "hasEnded");
function isOverdue(pod, atMs, slackMs) {
  return pod.deletionAtMs !== null && atMs > pod.deletionAtMs + slackMs;
}
__name(isOverdue, "isOverdue");
function hasSandbox(pod) {
  const condition = conditionOf(pod.conditions, "PodReadyToStartContainers");
  if (condition !== null) return condition.status === "True";
  const states = pod.containers.map((container) => container.state.kind);
  if (pod.hasPodIp || states.includes("running") || states.includes("terminated")) return true;
  if (pod.nodeName === null || states.length === 0 || states.every((kind) => kind === "none")) return null;
  return !states.every((kind) => kind === "waiting");
}
__name(hasSandbox, "hasSandbox");
function isPastItsSandbox(pod) {
  if (!pod.calicoPodIp || isTerminating(pod) && pod.observed === true) return false;
  return pod.containers.every(
    ({ state, restartCount, lastEnd }) => (state.kind === "waiting" || state.kind === "none") && restartCount === 0 && lastEnd === null
  );
}
__name(isPastItsSandbox, "isPastItsSandbox");
function waitsForSandbox(pod) {
  return pod.nodeName !== null && !pod.hostNetwork && !isTerminating(pod) && !hasEnded(pod) && hasSandbox(pod) === false;
}
__name(waitsForSandbox, "waitsForSandbox");

// src/objects/snapshot.ts
function isLasting(why) {
  return why === "forbidden" || why === "refused";
}
__name(isLasting, "isLasting");
function whyPodsUnseen({ podNamespaces, podGaps }, namespace) {
  if (!podNamespaces.includes(namespace)) return "never-read";
  return podGaps.find((gap) => gap.namespace === namespace)?.why ?? null;
}
__name(whyPodsUnseen, "whyPodsUnseen");

// src/calico/installation.ts
var WINDOWS_NAME = "calico-node-windows";
var CONTAINER = "calico-node";
var INSTALL_CNI = "install-cni";
var KNOWN_NAMES = /* @__PURE__ */ new Set(["calico-node", WINDOWS_NAME, "canal", "rke2-canal"]);
var CNI_CONF_FOLDER = /(?:^|[\\/])(?:cni[\\/]net\.d|etc[\\/]cni|cni-network|cni[\\/]conf(?:ig)?|azurecni[\\/]netconf)[\\/]*$/i;
function findInstallations(daemonSets, preferredNamespace) {
  const found = [];
  const lookAlikes = [];
  for (const daemonSet of daemonSets) {
    const { template, name } = daemonSet;
    const named2 = template.containers.includes(CONTAINER) || name === WINDOWS_NAME;
    if (!named2) {
      if (KNOWN_NAMES.has(name)) lookAlikes.push({ daemonSet, lacks: `a container named ${CONTAINER}` });
    } else if (!template.hostNetwork && !template.hostProcess) {
      lookAlikes.push({ daemonSet, lacks: "the host's network" });
    } else if (!template.initContainers.includes(INSTALL_CNI)) {
      found.push({ daemonSet, kind: "policy-only" });
    } else if (!template.hostPaths.some((path2) => CNI_CONF_FOLDER.test(path2))) {
      lookAlikes.push({ daemonSet, lacks: "a mount of the host's CNI conf folder" });
    } else {
      found.push({ daemonSet, kind: "full" });
    }
  }
  return { found, lookAlikes, preferredNamespace };
}
__name(findInstallations, "findInstallations");
function isPodOf(pod, daemonSet) {
  return pod.controller?.kind === "DaemonSet" && pod.controller.uid === daemonSet.uid && pod.namespace === daemonSet.namespace && pod.hostNetwork;
}
__name(isPodOf, "isPodOf");
var USUAL_NAMESPACES = /* @__PURE__ */ new Set(["calico-system", "kube-system"]);
function calicoNodePodOn(node, installations, pods) {
  const there = installations.found.flatMap((installation) => {
    const pod = newestOf(pods.filter((each) => each.nodeName === node && isPodOf(each, installation.daemonSet)));
    return pod === null ? [] : [{ installation, pod }];
  });
  const full = there.filter(({ installation }) => installation.kind === "full");
  const one = full.length > 1 ? chosenOf(full, installations.preferredNamespace) : full[0];
  if (one !== void 0) return { kind: "one", ...one };
  if (full.length > 1) return { kind: "ambiguous", pods: full.map(({ pod }) => pod) };
  const policyOnly = there[0];
  return policyOnly === void 0 ? { kind: "none" } : { kind: "policy-only", ...policyOnly };
}
__name(calicoNodePodOn, "calicoNodePodOn");
function chosenOf(candidates, preferredNamespace) {
  const chosen2 = chosenInstallation(
    candidates.map(({ installation }) => installation),
    preferredNamespace
  );
  return candidates.find(({ installation }) => installation === chosen2);
}
__name(chosenOf, "chosenOf");
function chosenInstallation(candidates, preferredNamespace) {
  const preferred = candidates.filter(({ daemonSet }) => daemonSet.namespace === preferredNamespace);
  if (preferred.length === 1) return preferred[0];
  const usual = candidates.filter(({ daemonSet }) => USUAL_NAMESPACES.has(daemonSet.namespace));
  return usual.length === 1 ? usual[0] : void 0;
}
__name(chosenInstallation, "chosenInstallation");
function newestOf(pods) {
  let best = null;
  for (const pod of pods) {
    if (best === null || Number(isTerminating(pod)) - Number(isTerminating(best)) < 0) best = pod;
    else if (isTerminating(pod) === isTerminating(best) && pod.createdAtMs > best.createdAtMs) best = pod;
  }
  return best;
}
__name(newestOf, "newestOf");

// src/calico/install-cni.ts
function installOf(pod) {
  const container = pod.containers.find((each) => each.name === INSTALL_CNI && each.role === "init");
  if (container === void 0) return { state: "unfinished" };
  const { state, lastEnd } = container;
  if (state.kind === "terminated") {
    if (state.exitCode === 0) return { state: "finished", atMs: timeOf(state.finishedAtMs) ?? initializedAtMs(pod) };
    return { state: "failing", ends: container.restartCount + 1, end: state };
  }
  if (lastEnd !== null && lastEnd.exitCode !== 0)
    return { state: "failing", ends: abnormalEnds(container), end: lastEnd };
  const initialized = conditionOf(pod.conditions, "Initialized")?.status === "True";
  return state.kind !== "running" && initialized ? { state: "finished", atMs: timeOf(lastEnd?.finishedAtMs ?? null) ?? initializedAtMs(pod) } : { state: "unfinished" };
}
__name(installOf, "installOf");
function initializedAtMs(pod) {
  const condition = conditionOf(pod.conditions, "Initialized");
  return condition?.status === "True" ? condition.lastTransitionAtMs : null;
}
__name(initializedAtMs, "initializedAtMs");
function timeOf(atMs) {
  return atMs !== null && atMs > 0 ? atMs : null;
}
__name(timeOf, "timeOf");
function abnormalEnds(container) {
  return container.restartCount + (container.state.kind === "waiting" ? 1 : 0);
}
__name(abnormalEnds, "abnormalEnds");

// src/objects/event.ts
function lastHappenedAtMs(event) {
  return event.seriesAtMs ?? event.lastAtMs ?? event.eventAtMs ?? event.createdAtMs;
}
__name(lastHappenedAtMs, "lastHappenedAtMs");
function firstHappenedAtMs(event) {
  return event.firstAtMs ?? event.eventAtMs ?? event.createdAtMs;
}
__name(firstHappenedAtMs, "firstHappenedAtMs");

// src/calico/moments.ts
var SERVER_TIME_ERROR_MS = 2e3;
function gapMs(earlier, later) {
  const least = later.notBeforeMs - earlier.notAfterMs;
  if (earlier.onNodeMs === null || later.onNodeMs === null) return least;
  const most = later.notAfterMs - earlier.notBeforeMs;
  const said2 = later.onNodeMs - earlier.onNodeMs;
  return Math.min(Math.max(said2, least - SERVER_TIME_ERROR_MS), most + SERVER_TIME_ERROR_MS);
}
__name(gapMs, "gapMs");
function onServerMs(moment) {
  return Math.min(Math.max(moment.onNodeMs ?? moment.notBeforeMs, moment.notBeforeMs), moment.notAfterMs);
}
__name(onServerMs, "onServerMs");
function lastTimeOf(event) {
  return {
    onNodeMs: lastHappenedAtMs(event),
    // A version that counts again was written later than the first one, but nobody says when.
    notBeforeMs: event.createdAtMs,
    notAfterMs: Math.max(event.seenAtMs, event.createdAtMs)
  };
}
__name(lastTimeOf, "lastTimeOf");

// src/calico/one-tenant.ts
function namespacesOf(stuckPods) {
  return [...new Set(stuckPods.map(({ pod }) => pod.namespace))];
}
__name(namespacesOf, "namespacesOf");
function couldBeForged(stuckPods) {
  return namespacesOf(stuckPods).length <= 1;
}
__name(couldBeForged, "couldBeForged");
function isOutvoted(before2, since) {
  const [namespace, ...more2] = namespacesOf(before2);
  return more2.length === 0 && since.some((stuck2) => stuck2.proven && stuck2.pod.namespace !== namespace);
}
__name(isOutvoted, "isOutvoted");
function hadItsTurn({ stuckPods }, restarts) {
  const [namespace, ...others] = namespacesOf(stuckPods);
  if (others.length > 0) return false;
  return restarts.some(({ answer, namespaces }) => {
    const isCounted = answer === "deleted" || answer === "lost";
    return isCounted && namespaces.length === 1 && namespaces[0] === namespace;
  });
}
__name(hadItsTurn, "hadItsTurn");
function comeback(end2, memory, namespaces, afterMs) {
  const { lastMatch = null, lastMatchOf = /* @__PURE__ */ new Map() } = memory ?? {};
  const since = [...lastMatchOf].flatMap(
    ([namespace, { moment }]) => gapMs(end2, moment) > afterMs ? [namespace] : []
  );
  const isSaidByAll = namespaces.every((namespace) => since.includes(namespace));
  if (lastMatch === null || since.length < 2 && !isSaidByAll) return null;
  return { sighting: lastMatch, namespaces: since };
}
__name(comeback, "comeback");

// src/calico/wordings.ts
var UNAUTHORIZED = "(?:Unauthorized|the server has asked for the client to provide credentials(?: \\([a-z]{1,16}(?: [A-Za-z0-9.-]{1,253}){1,2}\\))?)";
var GETTING_CLUSTER_INFORMATION = "error getting ClusterInformation: ";
var GETTING_NAMESPACE_OR_ADDRESS = "error getting IP from IPAM: |failed to get namespace [A-Za-z0-9][A-Za-z0-9-]{0,62}: ";
var REQUESTING_ADDRESSES = "failed to request IPv[46] addresses: |failed to look up reserved IPs: ";

// src/calico/look-alikes.ts
var CALICO_WORDS = new RegExp(
  `^(?:${GETTING_CLUSTER_INFORMATION}|${GETTING_NAMESPACE_OR_ADDRESS}|${REQUESTING_ADDRESSES}|error creating calico client: |unable to query ClusterInformation to determine Calico version: |Unable to retrieve Cluster Version or Type: )+`
);
var MULTUS_WORDS = /^error adding container to network "[^"]{1,253}": /;
function causeOfLookAlike(unwrapped) {
  const { plugin, layer } = unwrapped;
  if (layer === "runtime") return "SandboxError";
  const error2 = unwrapped.error.replace(MULTUS_WORDS, "");
  if (plugin !== null && plugin !== "calico") return ofOtherPlugin(error2);
  const said2 = error2.replace(CALICO_WORDS, "");
  const calico2 = plugin === "calico" || said2 !== error2 || CALICO_URL.test(said2);
  if (layer === "bare" && !calico2 && !NODENAME.test(said2)) return "SandboxError";
  if (IPAM_EXHAUSTED.test(said2)) return "IpamExhausted";
  if (NODENAME.test(said2)) return "CalicoNodeDown";
  if (calico2 && NOT_READY.test(said2)) return "CalicoNotReady";
  if (FORBIDDEN.test(said2)) return "CalicoForbidden";
  return ofRequest(said2, calico2) ?? ofUnnamedPlugin(said2, plugin);
}
__name(causeOfLookAlike, "causeOfLookAlike");
var FORBIDDEN = /^(?:connection is unauthorized$|(?:connection is unauthorized: )?[a-z][A-Za-z0-9.-]{0,252}(?: "[^"]{0,253}")? is forbidden: )/;
var NODENAME = /^[A-Za-z]{1,32} \S{1,255}: [^:]{1,200}: check that the calico\/node container is running/;
var NOT_READY = /^Calico is currently not ready to process requests$/;
var IPAM_EXHAUSTED = new RegExp(
  "^(?:Assigned [0-9]+ out of [0-9]+ requested IPv[46] addresses|No IPs available in pools|cannot allocate new block due to per host block limit|failed to request [0-9]+ IPv[46] addresses\\. IPAM allocated only [0-9]|(?:failed to delegate add: )?failed to allocate for range [0-9]+: no IP addresses available in range set|add cmd: failed to assign an IP address to container)"
);
var REQUEST = /^(?:Get|Post|Put|Patch|Delete) (?:"https?:\/\/[^\s"]{1,2048}"|https?:\/\/[^\s"]{1,2048}): /;
var CALICO_URL = /^[A-Z][a-z]{2,5} "?https?:\/\/[^\s"/]{1,255}\/apis\/(?:crd\.)?projectcalico\.org\//;
var PROXY = /^(?:proxyconnect |(?:Forbidden|Service Unavailable|Bad Gateway|Gateway Time-?out|Proxy Authentication Required)$)/;
var CERTIFICATE = /^(?:tls: |remote error: tls: |x509: )/;
var CONNECTION = /^(?:dial |read tcp |write tcp |http2: |net\/http: |(?:unexpected )?EOF$|context deadline exceeded|unexpected error when reading response body)/;
function ofRequest(said2, calico2) {
  const answer = said2.replace(REQUEST, "");
  if (answer === said2) return calico2 && CONNECTION.test(said2) ? "CniApiUnreachable" : null;
  if (PROXY.test(answer)) return "CniProxy";
  return CERTIFICATE.test(answer) ? "CniCertificate" : "CniApiUnreachable";
}
__name(ofRequest, "ofRequest");
var ENDS_UNAUTHORIZED = new RegExp(`(?:^|: )${UNAUTHORIZED}$`);
var ONLY_UNAUTHORIZED = new RegExp(
  `^(?:connection is unauthorized: |Multus: \\[[^\\]\\s]{1,600}\\]: [^:]{1,80}: )?${UNAUTHORIZED}$`
);
function ofOtherPlugin(error2) {
  if (IPAM_EXHAUSTED.test(error2)) return "IpamExhausted";
  return ENDS_UNAUTHORIZED.test(error2) ? "OtherPluginUnauthorized" : "CniError";
}
__name(ofOtherPlugin, "ofOtherPlugin");
function ofUnnamedPlugin(said2, plugin) {
  return plugin === null && ONLY_UNAUTHORIZED.test(said2) ? "OtherPluginUnauthorized" : "CniError";
}
__name(ofUnnamedPlugin, "ofUnnamedPlugin");

// src/calico/pasted-text.ts
var MAX_READ_CHARACTERS = 64 * 1024;
var CUT = "…";
function restorePastedText(text3) {
  const read = text3.length > MAX_READ_CHARACTERS ? text3.slice(0, MAX_READ_CHARACTERS) + CUT : text3;
  return withPlainQuotes(onOneLine(read));
}
__name(restorePastedText, "restorePastedText");
function withoutOneEscape(text3) {
  return text3.split("\\\\").map((part) => part.replaceAll('\\"', '"').replace(/\\[nrt]/g, " ")).join("\\");
}
__name(withoutOneEscape, "withoutOneEscape");
function onOneLine(text3) {
  return text3.replace(/\n[\s>]+/g, " ").replace(/\s+/g, " ").trim();
}
__name(onOneLine, "onOneLine");
function withPlainQuotes(text3) {
  if (/(?:^|[^\\])"/.test(text3)) return text3;
  if (text3.includes('\\"')) return withoutOneEscape(text3);
  if (text3.includes("&quot;")) return text3.replaceAll("&quot;", '"');
  return text3.replace(/[“”„‟]/g, '"').replace(/[‘’]/g, "'");
}
__name(withPlainQuotes, "withPlainQuotes");

// src/calico/wrapper.ts
var NAME = "[A-Za-z0-9][A-Za-z0-9.-]{0,252}";
var UID = "[A-Za-z0-9-]{1,64}";
var QUOTED_UID = '[^"\\\\\\s]{1,128}';
var SANDBOX = "[A-Za-z0-9.…]{1,64}";
var POD_REF = "[A-Za-z0-9._-]{1,320}";
var NETWORK = "[A-Za-z0-9][A-Za-z0-9_.-]{0,252}";
var CRIO_SANDBOX = `k8s_[A-Za-z0-9._-]{1,700}\\(${SANDBOX}\\)`;
function take(cursor, words) {
  const match = words.exec(cursor.rest);
  if (match !== null) cursor.rest = cursor.rest.slice(match[0].length);
  return match;
}
__name(take, "take");
function unwrap(text3, verb) {
  const cursor = { rest: text3 };
  take(cursor, AGGREGATED);
  const head2 = verb === "add" ? takeAddHead(cursor) : takeDeleteHead(cursor);
  const rpc = take(cursor, RPC) !== null;
  const runtime = takeRuntime(cursor, verb);
  const first = takePlugin(cursor);
  const multus = first === null || MULTUS_TYPES.has(first.type) ? takeMultus(cursor) : NO_MULTUS;
  const delegate = multus.network === null ? null : takePlugin(cursor);
  const network = runtime !== null || head2.elided;
  return {
    error: withoutEnds(cursor.rest, runtime === "list", multus.thick),
    verb: network ? verb : first?.verb ?? null,
    plugin: multus.network === null ? first?.type ?? null : delegate?.type ?? null,
    network: multus.network,
    killedUid: head2.killedUid,
    layer: layerOf(network || first !== null || multus.network !== null, head2.known || rpc),
    anchored: network && runtime !== "short" && (first?.verb ?? verb) === verb && (delegate?.verb ?? verb) === verb && (multus.network === null || verb === "add" && first !== null && multus.genuine)
  };
}
__name(unwrap, "unwrap");
function layerOf(network, known) {
  if (network) return "network";
  return known ? "runtime" : "bare";
}
__name(layerOf, "layerOf");
var AGGREGATED = /^\(combined from similar events\): /;
function isAggregated(text3) {
  return AGGREGATED.test(text3);
}
__name(isAggregated, "isAggregated");
var RPC = /^rpc error: code = [A-Za-z]{1,30} desc = /;
var ADD_HEAD = new RegExp(
  `^(?:Failed (?:to )?create pod sandbox: |FailedCreatePodSandBox: |Failed to create sandbox for pod "${POD_REF}\\(${UID}\\)": )`
);
function takeAddHead(cursor) {
  return { known: take(cursor, ADD_HEAD) !== null, elided: false, killedUid: null };
}
__name(takeAddHead, "takeAddHead");
var KILL_HEAD = new RegExp(
  `^error killing pod: failed to "KillPodSandbox" for "(${QUOTED_UID})" with KillPodSandboxError: "`
);
var ELIDED_KILL_HEAD = /^error killing pod: failed to "KillPodSandbox" (?:\.\.\.|…) /;
var QUOTED_LOG_HEAD = new RegExp(
  `^(?:"StopPodSandbox from runtime service failed" err="|StopPodSandbox for "${SANDBOX}" failed" error=")`
);
var STOPPING_HEAD = new RegExp(`^stopping the pod sandbox "${SANDBOX}"(?: failed)?: `);
function takeDeleteHead(cursor) {
  const kill = take(cursor, KILL_HEAD);
  if (kill !== null || take(cursor, QUOTED_LOG_HEAD) !== null) {
    cursor.rest = withoutOneEscape(cursor.rest.replace(/"$/, "")).trimEnd();
    return { known: true, elided: false, killedUid: kill?.[1] ?? null };
  }
  const elided = take(cursor, ELIDED_KILL_HEAD) !== null;
  return { known: elided || take(cursor, STOPPING_HEAD) !== null, elided, killedUid: null };
}
__name(takeDeleteHead, "takeDeleteHead");
var NETWORK_WORDS = {
  add: new RegExp(
    `^(?:failed to setup network for sandbox "${SANDBOX}": |failed to create pod network sandbox ${CRIO_SANDBOX}: error adding pod ${POD_REF} to CNI network (?:"${NETWORK}"|\\.\\.\\.): )`
  ),
  delete: new RegExp(
    `^(?:failed to destroy network for sandbox "${SANDBOX}": |failed to destroy network for pod sandbox ${CRIO_SANDBOX}: error removing pod ${POD_REF} from CNI network "${NETWORK}": )`
  )
};
var DOCKER_WORDS = {
  add: new RegExp(
    `^(?:\\[?failed to set up sandbox container "${SANDBOX}" network for pod "${POD_REF}": )?[nN]etworkPlugin cni failed to set up pod "${POD_REF}" network: `
  ),
  delete: new RegExp(`^[nN]etworkPlugin cni failed to teardown pod "${POD_REF}" network: `)
};
var DOCKER_SECOND_ERROR = ', failed to clean up sandbox container "';
var SHORT_WORDS = new RegExp(`^failed to create pod network sandbox ${CRIO_SANDBOX}: `);
function takeRuntime(cursor, verb) {
  if (take(cursor, NETWORK_WORDS[verb]) !== null) return "plain";
  if (take(cursor, DOCKER_WORDS[verb]) !== null) return verb === "add" ? "list" : "plain";
  return verb === "add" && take(cursor, SHORT_WORDS) !== null ? "short" : null;
}
__name(takeRuntime, "takeRuntime");
var PLUGIN = new RegExp(`^plugin type="(${NETWORK})"(?: {1,2}name="${NETWORK}")? failed \\((add|delete)\\): `);
function takePlugin(cursor) {
  const match = take(cursor, PLUGIN);
  return match === null ? null : { type: match[1] ?? "", verb: match[2] === "add" ? "add" : "delete" };
}
__name(takePlugin, "takePlugin");
var MULTUS_TYPES = /* @__PURE__ */ new Set(["multus", "multus-shim"]);
var THICK_WORDS = new RegExp(
  `^CmdAdd \\(shim\\): CNI request failed with status [0-9]{3}: '(?:&\\{[A-Za-z0-9 :;=/._\\-[\\]]*\\} )?(?:(?:[A-Za-z]{1,30}:"[A-Za-z0-9:;=/._-]*" )*|(?:\\.\\.\\.|…) )ERRORED: error configuring pod \\[${NAME}/${NAME}\\] networking: `
);
var MULTUS_NETWORK_WORDS = "error adding container to network ";
var DELEGATE_WORDS = new RegExp(
  `^\\[${NAME}/${NAME}(?:/(?:${UID})?)?:(${NETWORK})\\]: ${MULTUS_NETWORK_WORDS}"\\1": `
);
var NO_MULTUS = { network: null, thick: false, genuine: false };
function takeMultus(cursor) {
  const thick = take(cursor, THICK_WORDS) !== null;
  const match = take(cursor, DELEGATE_WORDS);
  const genuine = !cursor.rest.includes(MULTUS_NETWORK_WORDS) && !cursor.rest.endsWith(CUT);
  return { thick, network: match?.[1] ?? null, genuine };
}
__name(takeMultus, "takeMultus");
function withoutEnds(text3, list, thick) {
  const first = list ? before(text3, DOCKER_SECOND_ERROR) : text3;
  return thick ? before(first, "': StdinData: ").replace(/'$/, "").trimEnd() : first;
}
__name(withoutEnds, "withoutEnds");
function before(text3, end2) {
  const at = text3.indexOf(end2);
  return at < 0 ? text3 : text3.slice(0, at);
}
__name(before, "before");

// src/calico/signature.ts
var VERBS = /* @__PURE__ */ new Map([
  ["FailedCreatePodSandBox", "add"],
  ["FailedKillPod", "delete"]
]);
function readSandboxText(text3, reason) {
  const restored = restorePastedText(text3);
  const verb = VERBS.get(reason);
  if (verb === void 0)
    return { cause: "SandboxError", verb: null, plugin: null, killedUid: null, innerError: restored };
  const unwrapped = unwrap(restored, verb);
  return {
    cause: isCalicoUnauthorized(unwrapped) ? "CalicoUnauthorized" : causeOfLookAlike(unwrapped),
    verb: unwrapped.verb,
    plugin: unwrapped.plugin,
    killedUid: unwrapped.killedUid,
    innerError: unwrapped.error
  };
}
__name(readSandboxText, "readSandboxText");
var CONNECTION_UNAUTHORIZED = new RegExp(
  `^(?:${GETTING_CLUSTER_INFORMATION}|(?:${GETTING_NAMESPACE_OR_ADDRESS}|${REQUESTING_ADDRESSES}){0,4})connection is unauthorized: ${UNAUTHORIZED}$`
);
var READING_NAMESPACE_UNAUTHORIZED = new RegExp(`^(?:${GETTING_NAMESPACE_OR_ADDRESS}){1,4}${UNAUTHORIZED}$`);
var BARE_UNAUTHORIZED = new RegExp(`^${UNAUTHORIZED}$`);
var CALICO_NETWORKS = /* @__PURE__ */ new Set(["k8s-pod-network", "rke-pod-network"]);
function isCalicoUnauthorized({ anchored, plugin, network, error: error2 }) {
  if (!anchored || plugin !== null && plugin !== "calico") return false;
  if (CONNECTION_UNAUTHORIZED.test(error2) || READING_NAMESPACE_UNAUTHORIZED.test(error2)) return true;
  return BARE_UNAUTHORIZED.test(error2) && (plugin === "calico" || network !== null && CALICO_NETWORKS.has(network));
}
__name(isCalicoUnauthorized, "isCalicoUnauthorized");

// src/calico/sandbox-errors.ts
function isStuck(pod, atMs, timing) {
  if (isPastItsSandbox(pod)) return false;
  if (waitsForSandbox(pod)) return true;
  return isOverdue(pod, atMs, timing.overdueSlackMs) && pod.observed !== false && pod.nodeName !== null && !pod.hostNetwork && pod.finalizers.length === 0 && !hasEnded(pod) && !pod.containers.some(({ state }) => state.kind === "running") && !pod.isDebugged;
}
__name(isStuck, "isStuck");
function heldSinceMs(pod, nowMs) {
  if (pod.deletionAtMs !== null) return pod.deletionAtMs;
  const condition = conditionOf(pod.conditions, "PodReadyToStartContainers");
  if (condition === null) {
    const isFirst = pod.containers.every(({ restartCount, lastEnd }) => restartCount === 0 && lastEnd === null);
    return isFirst ? pod.createdAtMs : null;
  }
  const { lastTransitionAtMs } = condition;
  if (lastTransitionAtMs === null || lastTransitionAtMs > nowMs) return null;
  return Math.max(lastTransitionAtMs, pod.createdAtMs);
}
__name(heldSinceMs, "heldSinceMs");
function readSandboxErrors(snapshot, now, timing) {
  const stuck2 = /* @__PURE__ */ new Map();
  for (const pods of [snapshot.pods, snapshot.calico.pods, snapshot.witnesses]) {
    for (const pod of pods) if (isStuck(pod, now.atMs, timing)) stuck2.set(pod.uid, pod);
  }
  if (stuck2.size === 0) return /* @__PURE__ */ new Map();
  const eventsByUid = /* @__PURE__ */ new Map();
  for (const event of snapshot.events) {
    const pod = stuck2.get(event.about.uid);
    if (pod === void 0 || !isAuthenticSandboxEvent(event, pod)) continue;
    const known = eventsByUid.get(pod.uid);
    if (known === void 0) eventsByUid.set(pod.uid, [event]);
    else known.push(event);
  }
  const errors = /* @__PURE__ */ new Map();
  for (const [uid, events] of eventsByUid) {
    const pod = stuck2.get(uid);
    const error2 = pod === void 0 ? null : newestError(pod, events, now);
    if (error2 !== null) errors.set(uid, error2);
  }
  return errors;
}
__name(readSandboxErrors, "readSandboxErrors");
function isFromItsKubelet(event, pod) {
  return event.about.uid === pod.uid && event.about.kind === "Pod" && event.namespace === pod.namespace && event.about.namespace === pod.namespace && event.component === "kubelet" && event.host === pod.nodeName && event.eventAtMs === null;
}
__name(isFromItsKubelet, "isFromItsKubelet");
function isAuthenticSandboxEvent(event, pod) {
  switch (event.reason) {
    case "FailedCreatePodSandBox":
      return isFromItsKubelet(event, pod);
    case "FailedKillPod":
      return event.message.includes(pod.uid) && isFromItsKubelet(event, pod);
    default:
      return false;
  }
}
__name(isAuthenticSandboxEvent, "isAuthenticSandboxEvent");
var STATUS_LAG_MS = 5e3;
function isAboutPresentSandbox(event, pod) {
  const condition = conditionOf(pod.conditions, "PodReadyToStartContainers");
  if (condition === null || condition.lastTransitionAtMs === null) return true;
  const sinceChangeMs = lastHappenedAtMs(event) - condition.lastTransitionAtMs;
  return condition.status === "True" ? sinceChangeMs > 0 : sinceChangeMs >= -STATUS_LAG_MS;
}
__name(isAboutPresentSandbox, "isAboutPresentSandbox");
var MOST_READ_OF_A_POD = 300;
var TEXTS = /* @__PURE__ */ new WeakMap();
function textOf(event) {
  const known = TEXTS.get(event);
  if (known !== void 0) return known;
  const text3 = readSandboxText(event.message, event.reason);
  TEXTS.set(event, text3);
  return text3;
}
__name(textOf, "textOf");
function newestError(pod, events, now) {
  const newestFirst = events.filter((event) => isAboutPresentSandbox(event, pod)).map((event) => ({ event, lastAtMs: safeTimeMs(lastHappenedAtMs(event), event, pod, now) })).sort((one, other) => other.lastAtMs - one.lastAtMs || byOwnWords(one.event, other.event)).slice(0, MOST_READ_OF_A_POD).map((each) => ({ ...each, text: textOf(each.event) })).filter(({ text: text3 }) => text3.killedUid === null || text3.killedUid === pod.uid);
  const newest2 = newestFirst[0];
  if (newest2 === void 0) return null;
  let firstAtMs = newest2.lastAtMs;
  let storedAtMs = now.atMs;
  let otherAtMs = Number.NEGATIVE_INFINITY;
  for (const [index, { event, text: text3, lastAtMs }] of newestFirst.entries()) {
    if (text3.cause !== newest2.text.cause) {
      otherAtMs = lastAtMs;
      break;
    }
    if (isAggregated(event.message) && newestFirst[index + 1]?.text.cause !== text3.cause) break;
    storedAtMs = Math.min(storedAtMs, event.createdAtMs);
    firstAtMs = Math.min(firstAtMs, safeTimeMs(firstHappenedAtMs(event), event, pod, now));
  }
  return {
    cause: newest2.text.cause,
    verb: newest2.text.verb,
    plugin: newest2.text.plugin,
    text: newest2.text.innerError,
    event: newest2.event,
    firstAtMs: Math.max(firstAtMs, otherAtMs),
    lastAtMs: newest2.lastAtMs,
    storedAtMs: Math.max(storedAtMs, otherAtMs)
  };
}
__name(newestError, "newestError");
function byOwnWords(one, other) {
  return lastHappenedAtMs(other) - lastHappenedAtMs(one) || other.createdAtMs - one.createdAtMs;
}
__name(byOwnWords, "byOwnWords");
function safeTimeMs(saidMs, event, pod, now) {
  return saidMs < pod.createdAtMs || saidMs > now.atMs ? Math.min(event.createdAtMs, now.atMs) : saidMs;
}
__name(safeTimeMs, "safeTimeMs");

// src/calico/in-vain.ts
var WHAT_TO_LOOK_AT = "check which kubeconfig the runtime's CNI configuration names, CALICO_MANAGE_CNI and the host path mounts of calico-node, CNI configuration left over from another installation, the service account keys of all API servers, and the node's clock";
function installEndOf(pod, memory, observation) {
  const install = installOf(pod);
  if (install.state !== "finished") return null;
  const trace = memory?.installs.get(pod.uid);
  const notBeforeMs = Math.max(pod.createdAtMs, trace?.lastUnfinishedAtMs ?? 0);
  const notAfterMs = Math.max(trace?.firstFinishedAtMs ?? observation.now.atMs, notBeforeMs);
  return { onNodeMs: install.atMs, notBeforeMs, notAfterMs };
}
__name(installEndOf, "installEndOf");
var LATE_REPORT_MS = 15e3;
var CLOCK_ERROR_MS = 2e3;
function sandboxGapMs(end2, pod, memory) {
  const sandbox = memory?.newestSandbox ?? null;
  if (sandbox === null) return null;
  const mayBeLate = sandbox.moment.notAfterMs > pod.createdAtMs + CLOCK_ERROR_MS;
  const notBeforeMs = mayBeLate ? Math.max(pod.createdAtMs, end2.notBeforeMs - LATE_REPORT_MS) : end2.notBeforeMs;
  const sinceMs = gapMs({ ...end2, notBeforeMs }, sandbox.moment);
  return sinceMs < 0 ? null : sinceMs;
}
__name(sandboxGapMs, "sandboxGapMs");
function ranSince(end2, node, { snapshot, now }) {
  return [snapshot.pods, snapshot.calico.pods, snapshot.witnesses].some(
    (pods) => pods.some((pod) => {
      if (pod.nodeName !== node || pod.hostNetwork || hasSandbox(pod) !== false) return false;
      const startedAtMs = firstStartOf(pod);
      if (startedAtMs === null) return false;
      const started = { onNodeMs: startedAtMs, notBeforeMs: pod.createdAtMs, notAfterMs: now.atMs };
      return gapMs(end2, started) > 0 && (pod.createdAtMs > onServerMs(end2) || wasRefusedSandbox(pod, snapshot.events));
    })
  );
}
__name(ranSince, "ranSince");
function wasRefusedSandbox(pod, events) {
  return events.some((event) => event.reason === "FailedCreatePodSandBox" && isFromItsKubelet(event, pod));
}
__name(wasRefusedSandbox, "wasRefusedSandbox");
function firstStartOf({ containers }) {
  const starts = [];
  for (const { state, restartCount } of containers) {
    if (restartCount > 0) return null;
    const startedAtMs = state.kind === "running" || state.kind === "terminated" ? state.startedAtMs : null;
    if (startedAtMs !== null && startedAtMs > 0) starts.push(startedAtMs);
  }
  return starts.length === 0 ? null : Math.min(...starts);
}
__name(firstStartOf, "firstStartOf");
var guardJustInstalled = /* @__PURE__ */ __name(({ pod, nodeCase, observation, memory }) => {
  const end2 = installEndOf(pod, memory.nodes.get(nodeCase.node), observation);
  if (end2 === null) return null;
  const sinceMs = observation.now.atMs - onServerMs(end2);
  return sinceMs < observation.timing.justInstalledMs ? {
    kind: "wait",
    why: `install-cni of ${fullName(pod)} ended ${formatSeconds(sinceMs)} ago: the kubelet's next retries decide`
  } : null;
}, "guardJustInstalled");
function tooSoonAgain({ daemonSet, pod, nodeCase, observation }, speaking, sinceMs) {
  const { timing, snapshot } = observation;
  if (sinceMs >= timing.newFailureMs) return null;
  const node = snapshot.nodes?.find(({ name }) => name === nodeCase.node);
  const placeSinceMs = Math.max(daemonSet.createdAtMs, node?.createdAtMs ?? 0);
  if (pod.createdAtMs - placeSinceMs < timing.newFailureMs) return null;
  const proven = speaking.filter((stuck2) => stuck2.proven);
  if (!couldBeForged(proven)) return null;
  if (!couldBeForged(speaking)) return whyUnproven(speaking.filter((stuck2) => !stuck2.proven));
  const half = formatDuration(timing.newFailureMs);
  return {
    kind: "refuse",
    why: `${fullName(pod)} replaced another one ${formatSeconds(sinceMs)} ago, and only pods of one namespace speak of a new failure: for ${half} that is not enough for another restart`,
    byHand: true
  };
}
__name(tooSoonAgain, "tooSoonAgain");
var guardInVain = /* @__PURE__ */ __name((target) => {
  const { pod, nodeCase, observation } = target;
  if (!nodeCase.proven) return null;
  const { settings, timing, now } = observation;
  const node = target.memory.nodes.get(nodeCase.node);
  const end2 = installEndOf(pod, node, observation) ?? unknownEnd(pod, now.atMs);
  const sinceMs = now.atMs - onServerMs(end2);
  const worked = sandboxGapMs(end2, pod, node) !== null || ranSince(end2, nodeCase.node, observation);
  const before2 = nodeCase.stuckPods.filter(({ error: error2 }) => beganMs(error2) < pod.createdAtMs);
  const later = nodeCase.stuckPods.filter((stuck2) => !before2.includes(stuck2));
  const between = later.filter(({ error: error2 }) => gapMs(end2, beginningOf(error2)) <= timing.refuteAfterMs);
  const fresh = later.filter((stuck2) => !between.includes(stuck2));
  const old = isOutvoted(before2, fresh) ? [] : before2;
  if (worked && fresh.length > 0) return whyUnproven(fresh) ?? tooSoonAgain(target, fresh, sinceMs);
  if (old.length > 0 && comeback(end2, node, namespacesOf(old), timing.refuteAfterMs) !== null) {
    return inVain(`the failure came back after ${fullName(pod)} had started`);
  }
  if ((old.length > 0 || between.length > 0) && sinceMs < settings.restartTimeoutMs) {
    return {
      kind: "wait",
      why: `${fullName(pod)} was started ${formatSeconds(sinceMs)} ago and has ${formatSeconds(settings.restartTimeoutMs)} to help`
    };
  }
  if (old.length > 0) {
    return inVain(
      `${nameOf(old)} has been stuck since before ${fullName(pod)} was started ${formatSeconds(sinceMs)} ago`
    );
  }
  if (worked || sinceMs >= timing.newFailureMs) return tooSoonAgain(target, later, sinceMs);
  return inVain(`no pod got its network since ${fullName(pod)} was started ${formatSeconds(sinceMs)} ago`);
}, "guardInVain");
function whyUnproven(stuckPods) {
  if (stuckPods.some(({ proven }) => proven)) return null;
  return { kind: "wait", why: stuckPods[0]?.lacks ?? "the proof is not complete" };
}
__name(whyUnproven, "whyUnproven");
function inVain(because) {
  return { kind: "refuse", why: `another restart would be in vain: ${because}; ${WHAT_TO_LOOK_AT}` };
}
__name(inVain, "inVain");
function nameOf(stuckPods) {
  const first = stuckPods[0];
  return first === void 0 ? "a pod" : fullName(first.pod);
}
__name(nameOf, "nameOf");
function beganMs(error2) {
  return Math.min(error2.firstAtMs, error2.event.createdAtMs);
}
__name(beganMs, "beganMs");
function beginningOf(error2) {
  return { onNodeMs: error2.firstAtMs, notBeforeMs: 0, notAfterMs: Math.max(error2.event.seenAtMs, error2.firstAtMs) };
}
__name(beginningOf, "beginningOf");
function unknownEnd(pod, nowMs) {
  return { onNodeMs: null, notBeforeMs: pod.createdAtMs, notAfterMs: nowMs };
}
__name(unknownEnd, "unknownEnd");

// src/calico/restart-state.ts
function isPending({ answer, settled }) {
  return settled === null && (answer === "deleted" || answer === "elsewhere" || answer === "lost");
}
__name(isPending, "isPending");
function mayFollow({ settled, settledElapsedMs }, now, timing) {
  return settled === "cured" && settledElapsedMs !== null && now.elapsedMs - settledElapsedMs < timing.wellSandboxWaitMs;
}
__name(mayFollow, "mayFollow");
function stops({ answer, settled, namespaces, refutedBy }, namespacesThere) {
  const spoke = /* @__PURE__ */ new Set([...namespaces, ...refutedBy ?? []]);
  const mayStop = spoke.size > 1 || namespacesThere.every((namespace) => spoke.has(namespace));
  switch (answer) {
    case "deleted":
      return settled !== null && settled !== "cured" && mayStop;
    case "elsewhere":
      return (settled === "not-cured" || settled === "timed-out") && mayStop;
    case "failed":
      return true;
    case "turned-away":
    case "undone":
      return false;
    // The right is missing in that namespace, which says nothing about others; a lost answer is waited for.
    case "forbidden":
    case "lost":
      return false;
  }
}
__name(stops, "stops");
function markComebacks(errors, restarts) {
  const nodes = new Set(restarts.flatMap(({ settled, node }) => settled === "not-cured" ? [node] : []));
  if (nodes.size === 0) return errors;
  return new Map(
    [...errors].map(([uid, error2]) => [uid, nodes.has(error2.event.host) ? { ...error2, cameBack: true } : error2])
  );
}
__name(markComebacks, "markComebacks");
function whyNotDone({ namespace, pod }, said2, later = "") {
  return `the DELETE of ${namespace}/${pod} was answered ${said2}, and ${later}the same pod is still there, not being deleted; look at what stands between the gate and the API server (a proxy, a gateway): nothing was restarted`;
}
__name(whyNotDone, "whyNotDone");

// src/calico/cure.ts
function judgeCure(before2, observation, memory) {
  if (!isPending(before2)) return before2;
  const restart2 = reckoned(before2, observation);
  if (restart2.answer === "lost") return judgeLost(restart2, observation, memory);
  const { now, settings, timing } = observation;
  const node = memory.nodes.get(restart2.node);
  const pod = newPodOf(restart2, observation);
  const end2 = pod === null ? null : installEndOf(pod, node, observation);
  const failing = pod === null ? null : installFailure(pod);
  const failedInOutage = isOutage(observation) ? failing?.ends ?? 0 : restart2.failedInOutage ?? 0;
  const seen = { ...restart2, after: afterOf(pod, end2), failedInOutage };
  if (end2 !== null && pod !== null) {
    const proof = proofOfCure(end2, pod, node);
    if (proof !== null) return settle(seen, "cured", proof, now.elapsedMs);
    const match = comeback(end2, node, restart2.namespaces, timing.refuteAfterMs);
    if (match !== null) {
      const refuted = { ...seen, refutedBy: match.namespaces };
      return settle(refuted, "not-cured", refutation(end2, pod, match.sighting), now.elapsedMs);
    }
  }
  if (failing !== null && pod !== null && failing.ends >= timing.crashLoopEnds && failing.ends > failedInOutage) {
    const log = `kubectl logs -n ${pod.namespace} ${pod.name} -c ${INSTALL_CNI} --previous`;
    return settle(
      seen,
      "not-cured",
      `${failing.words}; another restart will not help: read its log (${log}), and ${WHAT_TO_LOOK_AT}`,
      now.elapsedMs
    );
  }
  const stuck2 = stuckPodsOf(restart2, observation);
  const isOver = seenForMs(restart2, now) >= settings.restartTimeoutMs;
  const sinceMs = now.elapsedMs - restart2.elapsedMs;
  if (isOver && isUntouched(restart2, observation)) {
    return {
      ...seen,
      answer: "failed",
      why: whyNotDone(restart2.before, "with success", `${formatSeconds(sinceMs)} later `)
    };
  }
  const retriedEnough = end2 !== null && now.atMs - onServerMs(end2) >= timing.wellSandboxWaitMs;
  if (stuck2.length === 0 && (retriedEnough || isOver)) {
    return settle(
      seen,
      "unknown",
      `no pod is stuck on the node any more, and none got its network there since${hintOf(end2, node, stuck2)}; ${WHAT_TO_LOOK_AT}`,
      now.elapsedMs
    );
  }
  if (isOver) {
    const after = `${formatSeconds(sinceMs)} after the restart${unseenPart(restart2)}${hintOf(end2, node, stuck2)}`;
    return settle(
      { ...seen, refutedBy: refutersAmong(stuck2) },
      "timed-out",
      describeStuck(stuck2, after),
      now.elapsedMs
    );
  }
  return { ...seen, why: failing?.words ?? waitingFor(pod, end2, now.atMs) + hintOf(end2, node, stuck2) };
}
__name(judgeCure, "judgeCure");
function closeRestarts(restarts) {
  return restarts.map(
    (restart2) => isPending(restart2) ? settle(restart2, "unknown", `the run ended first: ${restart2.why}`, null) : restart2
  );
}
__name(closeRestarts, "closeRestarts");
function settle(restart2, settled, why, settledElapsedMs) {
  return { ...restart2, settled, settledElapsedMs, outcome: restart2.answer === "deleted" ? settled : null, why };
}
__name(settle, "settle");
var LATE_DELETE_MS = 1e4;
function needsLists(restart2, now, { restartTimeoutMs }) {
  if (!isPending(restart2) || restart2.seenBy !== null) return false;
  if (restart2.answer === "lost") return now.elapsedMs - restart2.elapsedMs >= LATE_DELETE_MS;
  return restart2.answer === "deleted" && seenForMs(restart2, now) >= restartTimeoutMs;
}
__name(needsLists, "needsLists");
function judgeLost(restart2, observation, memory) {
  const { now, settings, snapshot } = observation;
  const old = snapshot.calico.pods.find(({ uid }) => uid === restart2.before.uid);
  const isSeen = whyPodsUnseen(snapshot.calico, restart2.before.namespace) === null;
  if (isSeen && (old === void 0 || isTerminating(old))) {
    return judgeCure({ ...restart2, answer: "deleted" }, observation, memory);
  }
  const waitedMs = seenForMs(restart2, now);
  const unanswered = `the DELETE of ${restart2.before.namespace}/${restart2.before.pod} was not answered`;
  if (isSeen && restart2.seenBy === "listed") {
    return { ...restart2, answer: "undone", why: `${unanswered}, and the pod is still there` };
  }
  if (waitedMs < settings.restartTimeoutMs) return restart2;
  const why = `${unanswered}, and for ${formatSeconds(waitedMs)} nothing showed whether the pod is gone`;
  return { ...restart2, answer: "failed", why };
}
__name(judgeLost, "judgeLost");
function reckoned(restart2, observation) {
  const { now, snapshot } = observation;
  const { unseenMs = 0, reckonedElapsedMs = restart2.elapsedMs, before: before2 } = restart2;
  const isUnseen = isOutage(observation) || whyPodsUnseen(snapshot.calico, before2.namespace) === "stale";
  const sinceMs = isUnseen ? Math.max(0, now.elapsedMs - reckonedElapsedMs) : 0;
  return { ...restart2, unseenMs: unseenMs + sinceMs, reckonedElapsedMs: now.elapsedMs };
}
__name(reckoned, "reckoned");
function seenForMs({ elapsedMs, unseenMs = 0 }, now) {
  return now.elapsedMs - elapsedMs - unseenMs;
}
__name(seenForMs, "seenForMs");
function unseenPart({ unseenMs = 0 }) {
  return unseenMs === 0 ? "" : `, ${formatSeconds(unseenMs)} of which nothing could be seen`;
}
__name(unseenPart, "unseenPart");
function isOutage({ snapshot, catchUpLeftMs: catchUpLeftMs2 }) {
  return catchUpLeftMs2 > 0 || arePodsLost(snapshot.coverage);
}
__name(isOutage, "isOutage");
function isUntouched({ answer, seenBy, before: before2 }, { snapshot }) {
  if (answer !== "deleted" || seenBy !== "listed" || whyPodsUnseen(snapshot.calico, before2.namespace) !== null)
    return false;
  const old = snapshot.calico.pods.find(({ uid }) => uid === before2.uid);
  return old !== void 0 && !isTerminating(old);
}
__name(isUntouched, "isUntouched");
function newPodOf(restart2, { snapshot }) {
  let newest2 = null;
  for (const pod of snapshot.calico.pods) {
    if (pod.nodeName !== restart2.node || pod.controller?.uid !== restart2.before.daemonSetUid) continue;
    if (pod.uid === restart2.before.uid || pod.createdAtMs < restart2.before.createdAtMs || isTerminating(pod)) continue;
    if (newest2 === null || pod.createdAtMs > newest2.createdAtMs) newest2 = pod;
  }
  return newest2;
}
__name(newPodOf, "newPodOf");
function afterOf(pod, end2) {
  if (pod === null) return null;
  return {
    pod: pod.name,
    createdAtMs: pod.createdAtMs,
    installedAtMs: end2 === null ? null : end2.onNodeMs ?? onServerMs(end2)
  };
}
__name(afterOf, "afterOf");
function proofOfCure(end2, pod, node) {
  if (node === void 0) return null;
  const afterMs = sandboxGapMs(end2, pod, node);
  if (afterMs !== null && node.newestSandbox !== null) {
    return `${node.newestSandbox.pod} got its network ${formatSeconds(afterMs)} after install-cni had ended`;
  }
  const ended = [...node.pods.values()].find((trace) => wasReleased(trace, end2));
  return ended === void 0 ? null : `${ended.pod}, which could not end before, was ended by the kubelet and is gone`;
}
__name(proofOfCure, "proofOfCure");
function wasReleased({ endedAtMs, goneAtMs }, end2) {
  return endedAtMs !== null && goneAtMs !== null && endedAtMs >= end2.notBeforeMs;
}
__name(wasReleased, "wasReleased");
function refutation(end2, pod, match) {
  return `${match.pod} reported the failure ${formatSeconds(gapMs(end2, match.moment))} after install-cni of ${fullName(pod)} had ended; ${WHAT_TO_LOOK_AT}`;
}
__name(refutation, "refutation");
function installFailure(pod) {
  const install = installOf(pod);
  if (install.state !== "failing") return null;
  const { exitCode, message, reason } = install.end;
  const said2 = message === "" ? reason : message;
  const times = `${install.ends} ${install.ends === 1 ? "time" : "times"}`;
  return {
    ends: install.ends,
    words: `install-cni of ${fullName(pod)} failed ${times} with exit code ${exitCode}${said2 === "" ? "" : `: ${said2}`}`
  };
}
__name(installFailure, "installFailure");
function stuckPodsOf(restart2, { snapshot, sandboxErrors, now, timing }) {
  const uids = new Set(restart2.stuckUids);
  return snapshot.pods.filter(
    (pod) => pod.nodeName === restart2.node && // One that Calico has given its address may be pulling its image: until its kubelet says so, nothing is proven.
    (isStuck(pod, now.atMs, timing) || waitsForSandbox(pod)) && (uids.has(pod.uid) || sandboxErrors.get(pod.uid)?.cause === "CalicoUnauthorized")
  );
}
__name(stuckPodsOf, "stuckPodsOf");
function refutersAmong(stuck2) {
  return [...new Set(stuck2.filter((pod) => !isPastItsSandbox(pod)).map(({ namespace }) => namespace))];
}
__name(refutersAmong, "refutersAmong");
function describeStuck(stuck2, after) {
  const [pods, have, are] = stuck2.length === 1 ? ["pod", "has", "is"] : ["pods", "have", "are"];
  if (!stuck2.every(isPastItsSandbox)) return `${stuck2.length} ${pods} ${are} still stuck ${after}; ${WHAT_TO_LOOK_AT}`;
  return `${stuck2.length} ${pods} ${have} an address of Calico's, and no container that has started ${after}; an image that takes long, or a postStart hook, may keep the kubelet from saying more: read "kubectl describe pod"`;
}
__name(describeStuck, "describeStuck");
function waitingFor(pod, end2, nowMs) {
  if (pod === null) return "waiting for the new calico-node pod";
  if (end2 === null) return `waiting for install-cni of ${fullName(pod)}`;
  return `install-cni of ${fullName(pod)} ended ${formatSeconds(nowMs - onServerMs(end2))} ago: waiting for a pod to get its network`;
}
__name(waitingFor, "waitingFor");
var TELLING_RETRIES = 2;
function hintOf(end2, node, stuck2) {
  if (end2 === null || node === void 0) return "";
  for (const { uid } of stuck2) {
    const trace = node.pods.get(uid);
    const retries = trace === void 0 ? 0 : retriesSince(end2, trace);
    if (trace !== void 0 && retries >= TELLING_RETRIES)
      return ` (${trace.pod} was tried again ${retries} times in vain)`;
  }
  const touched = [...node.pods.values()].find((trace) => (trace.addressChangedAtMs ?? 0) > end2.notAfterMs);
  return touched === void 0 ? "" : ` (Calico has changed the address of ${touched.pod} since, so it has access again)`;
}
__name(hintOf, "hintOf");
function retriesSince(end2, { retries }) {
  const last = retries.at(-1);
  if (last === void 0 || gapMs(end2, last.moment) <= 0) return 0;
  const before2 = retries.findLast(({ moment }) => gapMs(end2, moment) <= 0);
  const first = retries.find(({ moment }) => gapMs(end2, moment) > 0);
  return last.count - (before2?.count ?? (first?.count ?? last.count) - 1);
}
__name(retriesSince, "retriesSince");

// src/health/container.ts
var SIGNALS2 = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  13: "SIGPIPE",
  15: "SIGTERM"
};
var SIGNAL_EXIT_BASE = 128;
var PROGRESS_REASONS = ["ContainerCreating", "PodInitializing", ""];
var NO_CONTAINERS = /* @__PURE__ */ new Map();
function isWaitingFor(container, reasons) {
  return container.state.kind === "waiting" && reasons.includes(container.state.reason);
}
__name(isWaitingFor, "isWaitingFor");
function isWaitingItsTurn(container) {
  return isWaitingFor(container, PROGRESS_REASONS);
}
__name(isWaitingItsTurn, "isWaitingItsTurn");
function isBackingOff(container) {
  return isWaitingFor(container, ["CrashLoopBackOff"]);
}
__name(isBackingOff, "isBackingOff");
function containerName(container) {
  switch (container.role) {
    case "init":
      return `init container ${container.name}`;
    case "sidecar":
      return `sidecar ${container.name}`;
    case "main":
      return `container ${container.name}`;
  }
}
__name(containerName, "containerName");
function newestEnd(container) {
  return container.state.kind === "terminated" ? container.state : container.lastEnd;
}
__name(newestEnd, "newestEnd");
function isAbnormal(end2) {
  return end2 !== null && (end2.exitCode !== 0 || (end2.signal ?? 0) !== 0);
}
__name(isAbnormal, "isAbnormal");
function endsOf(container) {
  const isDown2 = container.state.kind === "terminated" || container.state.kind === "waiting" && container.lastEnd !== null;
  return container.restartCount + (isDown2 ? 1 : 0);
}
__name(endsOf, "endsOf");
function abnormalEndsOf(container) {
  if (isAbnormal(newestEnd(container))) return endsOf(container);
  return isAbnormal(container.lastEnd) ? container.restartCount : 0;
}
__name(abnormalEndsOf, "abnormalEndsOf");
function describeEnd(end2) {
  const { exitCode, reason } = end2;
  const signal = end2.signal ?? 0;
  const signalNumber = signal === 0 ? exitCode - SIGNAL_EXIT_BASE : signal;
  const notes = [SIGNALS2[signalNumber], reason === "Error" ? "" : reason].filter(
    (note) => note !== void 0 && note !== ""
  );
  const what = signal === 0 ? `exit code ${exitCode}` : `signal ${signal}`;
  const message = end2.message.trim();
  return `${what}${notes.length === 0 ? "" : ` (${notes.join(", ")})`}${message === "" ? "" : `: ${message}`}`;
}
__name(describeEnd, "describeEnd");
function describeRestarts(container) {
  return container.restartCount === 1 ? "1 restart" : `${container.restartCount} restarts`;
}
__name(describeRestarts, "describeRestarts");

// src/health/symptom.ts
function withDetail(what, detail) {
  if (what === "") return detail;
  return detail === "" ? what : `${what}: ${detail}`;
}
__name(withDetail, "withDetail");

// src/health/lost-node.ts
function whyNodeIsLost(pod, node, nodesReadable) {
  if (pod.nodeName === null) return null;
  if (pod.phase === "Unknown") return `the phase of the pod is Unknown: node ${pod.nodeName} does not report`;
  if (!nodesReadable) return null;
  if (node === null) return isReady(pod) ? null : `node ${pod.nodeName} does not exist`;
  const ready = conditionOf(node.conditions, "Ready");
  if (ready === null || ready.status === "True") return null;
  return withDetail(`node ${node.name} is not ready`, withDetail(ready.reason, ready.message));
}
__name(whyNodeIsLost, "whyNodeIsLost");
function nodeLostAtMs(node) {
  return node === null ? null : conditionOf(node.conditions, "Ready")?.lastTransitionAtMs ?? null;
}
__name(nodeLostAtMs, "nodeLostAtMs");

// src/calico/why-not-ready.ts
function whyNotReady(pod, { snapshot: { nodes } }) {
  const node = nodes?.find(({ name }) => name === pod.nodeName) ?? null;
  const lost = whyNodeIsLost(pod, node, nodes !== null);
  if (lost !== null) return lost;
  const container = pod.containers.find(isInTheWay);
  return container === void 0 ? "" : `${containerName(container)} ${whatIsWrongWith(container)}`;
}
__name(whyNotReady, "whyNotReady");
function isInTheWay(container) {
  if (container.role !== "init") return !container.ready && !isWaitingItsTurn(container);
  return isAbnormal(newestEnd(container)) || container.state.kind === "waiting" && !isWaitingItsTurn(container);
}
__name(isInTheWay, "isInTheWay");
var PULLING = ["ErrImagePull", "ImagePullBackOff"];
function whatIsWrongWith(container) {
  if (isWaitingFor(container, PULLING)) return "has no image";
  const end2 = isAbnormal(newestEnd(container)) ? newestEnd(container) : container.lastEnd;
  if (end2 !== null && isAbnormal(end2)) return `ended with ${describeEnd({ ...end2, message: "" })}`;
  switch (container.state.kind) {
    case "waiting":
      return `waits: ${container.state.reason}`;
    case "terminated":
      return "has ended";
    case "running":
      return "runs, and its readiness probe does not pass";
    case "none":
      return "has not been started";
  }
}
__name(whatIsWrongWith, "whatIsWrongWith");

// src/calico/guards.ts
var wait = /* @__PURE__ */ __name((why) => ({ kind: "wait", why }), "wait");
var refuse = /* @__PURE__ */ __name((why) => ({ kind: "refuse", why }), "refuse");
function guardView({ nodeCase, observation }, namespaces) {
  const unseen = guardCalicoPods(observation, namespaces);
  if (unseen?.kind === "refuse") return unseen;
  const concerned = /* @__PURE__ */ new Set([...namespaces, ...nodeCase.stuckPods.map(({ pod }) => pod.namespace)]);
  let waiting = unseen;
  for (const { resource, namespace, why } of observation.snapshot.coverage.gaps) {
    if (resource !== "pods" && resource !== "events" && resource !== "daemonsets") continue;
    if (namespace !== null && !concerned.has(namespace)) continue;
    const where2 = namespace === null ? "" : ` in namespace ${namespace}`;
    if (why !== "forbidden") waiting = wait(`${resource}${where2} cannot be seen at the moment`);
    else if (resource !== "daemonsets") return refuse(`the right to list ${resource}${where2} is missing`);
  }
  return waiting ?? guardCatchUp(observation);
}
__name(guardView, "guardView");
function guardCatchUp({ catchUpLeftMs: catchUpLeftMs2, timing }) {
  if (catchUpLeftMs2 === 0) return null;
  return wait(`kubelets have ${formatSeconds(timing.catchUpMs)} to report what happened while nothing could be seen`);
}
__name(guardCatchUp, "guardCatchUp");
function guardCalicoPods({ snapshot }, namespaces) {
  let waiting = null;
  for (const namespace of namespaces) {
    const where2 = `Calico's namespace ${namespace}`;
    switch (whyPodsUnseen(snapshot.calico, namespace)) {
      case null:
        break;
      case "forbidden":
        return refuse(`the right to list pods in ${where2} is missing`);
      case "never-read":
        waiting = wait(`pods in ${where2} have not been read yet`);
        break;
      case "stale":
      case "refused":
        waiting = wait(`pods in ${where2} cannot be seen at the moment`);
        break;
    }
  }
  return waiting;
}
__name(guardCalicoPods, "guardCalicoPods");
function guardProof({ nodeCase }) {
  return nodeCase.proven ? null : wait(nodeCase.lacks ?? "the proof is not complete");
}
__name(guardProof, "guardProof");
function guardPlace(place, installations, { nodeCase, observation, memory }) {
  switch (place.kind) {
    case "one":
      return null;
    case "ambiguous":
      return refuse(
        `two Calico installations have a pod on the node (${place.pods.map(fullName).join(", ")}): set calico-namespace to the one that gives pods their network`
      );
    case "policy-only":
      return refuse(
        `${fullName(place.pod)} is policy-only Calico without install-cni: another plugin gives pods their network, and its token cannot be renewed by a restart`
      );
    case "none": {
      if (installations.found.length === 0) return guardSearch(observation);
      const namespaces = installations.found.map(({ daemonSet }) => daemonSet.namespace);
      const unseen = guardCalicoPods(observation, namespaces);
      if (unseen !== null) return unseen;
      const lastSeenMs = lastInstalledMs(nodeCase.node, memory);
      if (lastSeenMs !== null && observation.now.atMs - lastSeenMs < observation.settings.restartTimeoutMs) {
        return wait("its calico-node pod has just gone, and the next one is not there yet");
      }
      return refuse(
        "no calico-node pod runs on the node: look why, or for a CNI configuration that a removed Calico left behind"
      );
    }
  }
}
__name(guardPlace, "guardPlace");
function guardOtherInstallation(installation, { found, preferredNamespace }, { nodeCase, observation, memory }) {
  const { snapshot, now, settings } = observation;
  const traces = [...memory.nodes.get(nodeCase.node)?.installs.values() ?? []];
  for (const other of found) {
    const { daemonSet, kind } = other;
    if (other === installation || kind !== "full") continue;
    if (chosenInstallation([installation, other], preferredNamespace) === installation) continue;
    const unseen = guardCalicoPods(observation, [daemonSet.namespace]);
    if (unseen !== null) return unseen;
    const isLate = /* @__PURE__ */ __name((sinceMs) => now.atMs - sinceMs >= settings.restartTimeoutMs, "isLate");
    const wasThere = traces.some(
      ({ daemonSetUid, lastSeenAtMs }) => daemonSetUid === daemonSet.uid && !isLate(lastSeenAtMs)
    );
    const isComing = snapshot.calico.pods.some(
      (pod) => pod.nodeName === null && isPodOf(pod, daemonSet) && !isLate(pod.createdAtMs)
    );
    if (!wasThere && !isComing) continue;
    return wait(`the pod of another Calico installation, DaemonSet ${fullName(daemonSet)}, is just being replaced`);
  }
  return null;
}
__name(guardOtherInstallation, "guardOtherInstallation");
function isStillReading({ now, timing }) {
  return now.elapsedMs < timing.forbiddenRetryMs;
}
__name(isStillReading, "isStillReading");
function guardSearch(observation) {
  if (observation.snapshot.calico.searched) {
    return refuse(
      "no Calico DaemonSet is in the cluster: look for a CNI configuration that a removed Calico left behind"
    );
  }
  if (isStillReading(observation)) return wait("Calico has not been found yet");
  const { calicoNamespace } = observation.settings;
  return refuse(
    calicoNamespace === null ? "Calico was not found: grant list on daemonsets in all namespaces, or set calico-namespace" : `Calico was not found: grant list and watch on daemonsets in namespace ${calicoNamespace}`
  );
}
__name(guardSearch, "guardSearch");
function lastInstalledMs(node, memory) {
  const installs = [...memory.nodes.get(node)?.installs.values() ?? []];
  return installs.length === 0 ? null : Math.max(...installs.map(({ lastSeenAtMs }) => lastSeenAtMs));
}
__name(lastInstalledMs, "lastInstalledMs");
var guardReady = /* @__PURE__ */ __name(({ pod, observation }) => {
  const { now, settings, timing } = observation;
  const name = fullName(pod);
  if (isTerminating(pod)) {
    return isOverdue(pod, now.atMs, timing.overdueSlackMs) ? refuse(`${name} is being deleted and does not end`) : wait(`${name} is being deleted by somebody else`);
  }
  if (isReady(pod)) return null;
  const ageMs = now.atMs - pod.createdAtMs;
  if (ageMs < settings.restartTimeoutMs) {
    return wait(`${name} was started ${formatSeconds(ageMs)} ago and is not Ready yet`);
  }
  const because = whyNotReady(pod, observation);
  return refuse(`${name} is not Ready${because === "" ? "" : ` (${because})`}: find out why first`);
}, "guardReady");
var guardDaemonSetStays = /* @__PURE__ */ __name(({ daemonSet }) => isBeingDeleted(daemonSet) ? refuse(`DaemonSet ${fullName(daemonSet)} is being deleted: a deleted pod would not come back`) : null, "guardDaemonSetStays");
function isBeingDeleted(daemonSet) {
  return daemonSet.deletionAtMs !== null;
}
__name(isBeingDeleted, "isBeingDeleted");
var guardMisscheduled = /* @__PURE__ */ __name(({ daemonSet }) => daemonSet.misscheduled > 0 ? refuse(
  `${daemonSet.misscheduled} pods of DaemonSet ${fullName(daemonSet)} run where it no longer wants them: a deleted one would not come back`
) : null, "guardMisscheduled");
function hasPendingTemplate({ observedGeneration, generation, desired, updated }) {
  return observedGeneration === null || observedGeneration < generation || desired === null || updated < desired;
}
__name(hasPendingTemplate, "hasPendingTemplate");
var guardOnDelete = /* @__PURE__ */ __name(({ daemonSet }) => daemonSet.strategy !== "RollingUpdate" && hasPendingTemplate(daemonSet) ? refuse(
  `DaemonSet ${fullName(daemonSet)} has the update strategy ${daemonSet.strategy} and a template that is not rolled out: deleting the pod would upgrade the node`
) : null, "guardOnDelete");
function progressOf({ observedGeneration, generation, desired, updated }) {
  const isObserved3 = observedGeneration !== null && observedGeneration >= generation && desired !== null;
  return isObserved3 ? ` (${updated} of ${desired})` : "";
}
__name(progressOf, "progressOf");
var guardRollOut = /* @__PURE__ */ __name(({ daemonSet }) => daemonSet.strategy === "RollingUpdate" && hasPendingTemplate(daemonSet) ? wait(`DaemonSet ${fullName(daemonSet)} is rolling out${progressOf(daemonSet)}`) : null, "guardRollOut");
var guardSiblings = /* @__PURE__ */ __name(({ daemonSet, pod, observation, memory }) => {
  const { now, timing, snapshot } = observation;
  for (const sibling of snapshot.calico.pods) {
    if (sibling.uid === pod.uid || !isPodOf(sibling, daemonSet)) continue;
    const downSinceMs = notReadySinceMs(sibling, memory);
    if (downSinceMs === null || now.atMs - downSinceMs >= timing.siblingNotReadyMs) continue;
    const young = now.atMs - sibling.createdAtMs < timing.siblingNotReadyMs;
    if (young && isOnNewNode(sibling, observation)) continue;
    return wait(`${fullName(sibling)} on node ${sibling.nodeName ?? "?"} is not Ready: one node at a time`);
  }
  return null;
}, "guardSiblings");
function podsDownForLong(daemonSet, { snapshot, now, timing }, memory) {
  return snapshot.calico.pods.filter((pod) => {
    const downSinceMs = isPodOf(pod, daemonSet) ? notReadySinceMs(pod, memory) : null;
    return downSinceMs !== null && now.atMs - downSinceMs >= timing.siblingNotReadyMs;
  });
}
__name(podsDownForLong, "podsDownForLong");
function notReadySinceMs(pod, memory) {
  if (isReady(pod) && !isTerminating(pod)) return null;
  const saidMs = pod.deletionAtMs ?? conditionOf(pod.conditions, "Ready")?.lastTransitionAtMs ?? pod.createdAtMs;
  return Math.max(saidMs, pod.createdAtMs, memory.readyAtMs.get(pod.uid) ?? 0);
}
__name(notReadySinceMs, "notReadySinceMs");
function isOnNewNode(sibling, { now, timing, snapshot }) {
  const isYoung = /* @__PURE__ */ __name((createdAtMs) => now.atMs - createdAtMs < timing.eligibleNodeAgeMs, "isYoung");
  if (snapshot.nodes !== null) {
    const node = snapshot.nodes.find(({ name }) => name === sibling.nodeName);
    return node !== void 0 && isYoung(node.createdAtMs);
  }
  return [snapshot.pods, snapshot.calico.pods, snapshot.witnesses].every(
    (pods) => pods.every((pod) => pod.nodeName !== sibling.nodeName || isYoung(pod.createdAtMs))
  );
}
__name(isOnNewNode, "isOnNewNode");
var TARGET_GUARDS = [
  guardReady,
  guardDaemonSetStays,
  guardMisscheduled,
  guardOnDelete,
  guardRollOut,
  guardSiblings
];

// src/calico/calico-report.ts
function reportCalico({ memory, nodes, restarts, installations }) {
  const closed = closeRestarts(restarts);
  return {
    detected: memory.foundAtMs !== null,
    installations: installations.found.map(({ daemonSet: { namespace, name } }) => ({ namespace, daemonSet: name })),
    nodes: nodes.flatMap((plan) => {
      const remembered = memory.nodes.get(plan.node);
      const restart2 = closed.findLast(({ node }) => node === plan.node) ?? null;
      return isAffected(plan, remembered, restart2) ? [reportNode(plan, remembered, restart2)] : [];
    })
  };
}
__name(reportCalico, "reportCalico");
function isAffected({ action }, memory, restart2) {
  return action !== "none" || restart2 !== null || memory !== void 0 && memory.provenAtMs !== null;
}
__name(isAffected, "isAffected");
function reportNode(plan, memory, restart2) {
  const evidence2 = [...memory?.evidence.values() ?? []].sort((one, other) => other.lastSeenMs - one.lastSeenMs);
  const replaced = restart2 !== null && (restart2.answer === "deleted" || restart2.answer === "elsewhere") ? restart2 : null;
  return {
    node: plan.node,
    pods: evidence2.map(({ pod }) => pod),
    evidence: evidence2.map(({ lastSeenMs, ...event }) => ({ ...event, lastSeen: rfc3339(lastSeenMs) })),
    action: plan.action,
    why: replaced?.outcome === "unknown" ? replaced.why : plan.why,
    command: plan.command,
    outcome: restart2?.outcome ?? null,
    before: replaced && {
      calicoNodePod: `${replaced.before.namespace}/${replaced.before.pod}`,
      startedAt: rfc3339(replaced.before.createdAtMs)
    },
    after: replaced?.after ? {
      calicoNodePod: `${replaced.before.namespace}/${replaced.after.pod}`,
      startedAt: rfc3339(replaced.after.createdAtMs),
      installedAt: replaced.after.installedAtMs === null ? null : rfc3339(replaced.after.installedAtMs)
    } : null
  };
}
__name(reportNode, "reportNode");
function rfc3339(atMs) {
  return new Date(atMs).toISOString();
}
__name(rfc3339, "rfc3339");
function restartedNodes(restarts) {
  return restarts.filter(({ answer }) => answer === "deleted").map(({ node }) => node);
}
__name(restartedNodes, "restartedNodes");
function installationNotes({ found, lookAlikes }) {
  return [
    ...found.filter(({ kind }) => kind === "policy-only").map(
      ({ daemonSet }) => `DaemonSet ${fullName(daemonSet)} is policy-only Calico (no install-cni): never restarted`
    ),
    ...lookAlikes.map(
      ({ daemonSet, lacks }) => `DaemonSet ${fullName(daemonSet)} bears Calico's name but lacks ${lacks}: not taken for Calico, never restarted`
    )
  ];
}
__name(installationNotes, "installationNotes");
function downNotes({ found }, observation, memory) {
  return found.flatMap(({ daemonSet }) => podsDownForLong(daemonSet, observation, memory)).map(
    (pod) => `${fullName(pod)} on node ${pod.nodeName ?? "?"} has not been Ready for more than ${formatDuration(observation.timing.siblingNotReadyMs)}: restarts on other nodes do not wait for it`
  );
}
__name(downNotes, "downNotes");

// src/cluster/api-error.ts
var ApiError = class extends Error {
  static {
    __name(this, "ApiError");
  }
  kind;
  status;
  reason;
  words;
  verb;
  path;
  retryAfterMs;
  isStatus;
  constructor(message, details, options) {
    super(message, options);
    this.name = "ApiError";
    this.kind = details.kind;
    this.status = details.status;
    this.reason = details.reason;
    this.words = details.words;
    this.verb = details.verb;
    this.path = details.path;
    this.retryAfterMs = details.retryAfterMs;
    this.isStatus = details.isStatus ?? false;
  }
};
function isApiError(error2) {
  return error2 instanceof ApiError;
}
__name(isApiError, "isApiError");
function isRefusedForGood({ kind, isStatus }) {
  return isStatus && (kind === "invalid" || kind === "not-found" || kind === "conflict");
}
__name(isRefusedForGood, "isRefusedForGood");

// src/cluster/body.ts
var BODY_LIMIT_BYTES = 400 * 1024 * 1024;
var REFUSAL_LIMIT_BYTES = 64 * 1024;
var GarbledBody = class extends Error {
  static {
    __name(this, "GarbledBody");
  }
};
var TooLongBody = class extends GarbledBody {
  static {
    __name(this, "TooLongBody");
  }
};
async function readBody(body, onChunk, ownLimitBytes) {
  const limitBytes = ownLimitBytes ?? BODY_LIMIT_BYTES;
  const chunks = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.byteLength;
    onChunk(chunk.byteLength);
    if (sizeBytes > limitBytes) {
      const what = `the answer is longer than ${limitBytes} bytes`;
      throw ownLimitBytes === void 0 ? new GarbledBody(what) : new TooLongBody(what);
    }
    chunks.push(chunk);
  }
  const [only] = chunks;
  if (chunks.length === 1 && Buffer.isBuffer(only)) return only;
  return Buffer.concat(chunks, sizeBytes);
}
__name(readBody, "readBody");
async function readRefusal(response, onChunk) {
  try {
    return statusOf(parseJson(await readBody(response.body, onChunk, REFUSAL_LIMIT_BYTES)));
  } catch {
    return NO_WORDS;
  }
}
__name(readRefusal, "readRefusal");
var NO_WORDS = { reason: "", message: "", retryAfterSeconds: null, isStatus: false };
function statusOf(value) {
  if (!isRecord(value) || value.kind !== "Status") return { ...NO_WORDS, code: 0 };
  const { reason, message, code, details } = value;
  const seconds = isRecord(details) ? details.retryAfterSeconds : void 0;
  return {
    reason: typeof reason === "string" ? reason : "",
    message: typeof message === "string" ? message : "",
    retryAfterSeconds: typeof seconds === "number" && seconds > 0 ? seconds : null,
    isStatus: true,
    code: typeof code === "number" ? code : 0
  };
}
__name(statusOf, "statusOf");
function parseText(text3) {
  const mayHaveHalves = text3.includes("\\ud") || text3.includes("\\uD");
  return JSON.parse(text3, mayHaveHalves ? wellFormed : void 0);
}
__name(parseText, "parseText");
function wellFormed(_, value) {
  return typeof value === "string" ? value.toWellFormed() : value;
}
__name(wellFormed, "wellFormed");
function parseJson(body) {
  try {
    return parseText(body.toString("utf8"));
  } catch (cause) {
    throw new GarbledBody(body.byteLength === 0 ? "the answer is empty" : "the answer is cut off, or not JSON", {
      cause
    });
  }
}
__name(parseJson, "parseJson");
function isHtml(response, body = NO_BODY) {
  if (/^\s*text\/html\b/i.test(response.headers["content-type"] ?? "")) return true;
  return body.subarray(0, 64).toString("latin1").trimStart().startsWith("<");
}
__name(isHtml, "isHtml");
var NO_BODY = Buffer.alloc(0);
function isRecord(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
__name(isRecord, "isRecord");

// src/cluster/back-off.ts
var FIRST_MS = 800;
var LONGEST_MS = 3e4;
var LONGEST_RETRY_AFTER_MS = 6e4;
var RETRY_AFTER_SPREAD_MS = 1e3;
function backOffMs(failures, random) {
  return random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10));
}
__name(backOffMs, "backOffMs");
function retryAfterWaitMs(retryAfterMs, random) {
  return Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS) + random() * RETRY_AFTER_SPREAD_MS;
}
__name(retryAfterWaitMs, "retryAfterWaitMs");
function parseRetryAfter(header, atMs) {
  const text3 = header?.trim() ?? "";
  if (/^\d{1,9}$/.test(text3)) return Number(text3) * 1e3;
  const dateMs = /^[A-Za-z]{3,9},? /.test(text3) ? Date.parse(text3) : Number.NaN;
  return Number.isNaN(dateMs) ? null : Math.max(0, dateMs - atMs);
}
__name(parseRetryAfter, "parseRetryAfter");

// src/cluster/cap-text.ts
var TEXT_LIMIT_BYTES = 4096;
var ELLIPSIS = "…";
var ELLIPSIS_BYTES = Buffer.byteLength(ELLIPSIS);
var MOST_BYTES_PER_UNIT = 3;
function capText(text3, limitBytes = TEXT_LIMIT_BYTES) {
  if (text3.length * MOST_BYTES_PER_UNIT <= limitBytes) return text3;
  const head2 = Buffer.from(text3.slice(0, limitBytes + 1), "utf8");
  if (head2.byteLength <= limitBytes && text3.length <= limitBytes) return text3;
  let end2 = limitBytes - ELLIPSIS_BYTES;
  while (end2 > 0 && isContinuation(head2[end2])) end2 -= 1;
  return head2.toString("utf8", 0, end2) + ELLIPSIS;
}
__name(capText, "capText");
function isContinuation(byte) {
  return byte !== void 0 && (byte & 192) === 128;
}
__name(isContinuation, "isContinuation");

// src/cluster/connect-error.ts
var ConnectError = class extends Error {
  static {
    __name(this, "ConnectError");
  }
  reason;
  constructor(message, { reason, ...options }) {
    super(message, options);
    this.name = "ConnectError";
    this.reason = reason;
  }
};
function isConnectError(error2) {
  return error2 instanceof ConnectError;
}
__name(isConnectError, "isConnectError");

// src/cluster/network-error.ts
var CA_FIX = "check certificate-authority-data in the kubeconfig; where a proxy re-signs TLS, give its CA to Node with NODE_EXTRA_CA_CERTS";
var untrusted = /* @__PURE__ */ __name((what) => ({ kind: "certificate", what, fix: CA_FIX }), "untrusted");
var unreachable = /* @__PURE__ */ __name((what, fix = "") => ({ kind: "unreachable", what, fix }), "unreachable");
var DNS_FIX = "check the host name of the kubeconfig's server, and whether this machine can resolve it (VPN, private DNS)";
var ROUTE_FIX = "check that this machine may reach the kubeconfig's server (VPN, firewall, authorized networks, proxy)";
var MEANINGS = {
  ENOTFOUND: unreachable("the host name does not resolve", DNS_FIX),
  EAI_AGAIN: unreachable("the host name cannot be resolved at present", DNS_FIX),
  ECONNREFUSED: unreachable("the connection was refused", `is the API server running? ${ROUTE_FIX}`),
  EHOSTUNREACH: unreachable("there is no route to the host", ROUTE_FIX),
  ENETUNREACH: unreachable("the network is unreachable", ROUTE_FIX),
  ETIMEDOUT: unreachable("the connection timed out", ROUTE_FIX),
  ECONNRESET: unreachable("the connection was reset"),
  EPIPE: unreachable("the connection was closed"),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted("the server's certificate is signed by an unknown authority"),
  UNABLE_TO_GET_ISSUER_CERT: untrusted("the server's certificate is signed by an unknown authority"),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted("the server's certificate is signed by an unknown authority"),
  SELF_SIGNED_CERT_IN_CHAIN: untrusted("the server's certificate is signed by an unknown authority"),
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted("the server's certificate is self-signed and not trusted"),
  CERT_SIGNATURE_FAILURE: untrusted("the server's certificate has another CA's signature"),
  CERT_HAS_EXPIRED: {
    kind: "certificate",
    what: "the server's certificate has expired",
    fix: "renew it (kubeadm: `kubeadm certs renew`), and check the clock of this machine"
  },
  CERT_NOT_YET_VALID: {
    kind: "certificate",
    what: "the server's certificate is not valid yet",
    fix: "check the clock of this machine"
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    kind: "certificate",
    what: "the server's certificate is for another name",
    fix: "use a host name that it names as the kubeconfig's server, or set tls-server-name there"
  },
  ERR_SSL_WRONG_VERSION_NUMBER: {
    kind: "certificate",
    what: "the server does not speak TLS",
    fix: "check scheme and port of the kubeconfig's server, and of the proxy"
  },
  ERR_PROXY_REFUSED: {
    kind: "not-kubernetes",
    what: "the proxy refused the connection",
    fix: "give the proxy its credentials, or add the API server to NO_PROXY"
  },
  ERR_PROXY_FAILED: unreachable(
    "the proxy could not reach the API server",
    "add the API server to NO_PROXY, or check the proxy"
  ),
  ERR_PROXY_NO_SOCKS: {
    kind: "not-kubernetes",
    what: "the proxy does not speak SOCKS",
    fix: "check scheme and port of the proxy"
  }
};
var ALERT_ABOUT_OURS = /^ERR_SSL_.*ALERT.*(?:CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/;
function networkProblemOf(error2) {
  const problem = problemOf(codeOf(error2), error2);
  const proxy = textOf2(error2, "proxy");
  return proxy === "" ? problem : { ...problem, what: `${problem.what} (through the proxy ${proxy})` };
}
__name(networkProblemOf, "networkProblemOf");
function problemOf(code, error2) {
  const known = MEANINGS[code];
  if (known !== void 0) {
    const said2 = code.startsWith("ERR_PROXY_") ? `${known.what}: ${textOf2(error2, "message")}` : known.what;
    return { code, ...known, what: said2 };
  }
  if (ALERT_ABOUT_OURS.test(code)) {
    const fix = "renew the client certificate of the kubeconfig";
    return { code, kind: "certificate", what: "the server refused the client certificate", fix };
  }
  if (code.startsWith("ERR_SSL_") || code === "EPROTO") {
    const fix = "check the kubeconfig's server, and proxies on the way";
    return { code, kind: "certificate", what: `TLS failed (${code})`, fix };
  }
  if (code.startsWith("ERR_OSSL_")) {
    const fix = "check client-certificate-data and client-key-data of the kubeconfig";
    return { code, kind: "certificate", what: `the certificates of the kubeconfig cannot be used (${code})`, fix };
  }
  return { code, kind: "unreachable", what: textOf2(error2, "message") || "the exchange failed", fix: "" };
}
__name(problemOf, "problemOf");
var OPENSSL_REASON = /:error:[\dA-F]+:SSL routines:[^:]*:([^:]+):/;
function codeOf(error2) {
  const errors = isRecord(error2) ? error2.errors : void 0;
  const [first] = Array.isArray(errors) ? errors : [];
  const code = textOf2(error2, "code") || textOf2(first, "code");
  const reason = code === "EPROTO" ? OPENSSL_REASON.exec(textOf2(error2, "message"))?.[1] : void 0;
  return reason === void 0 ? code : `ERR_SSL_${reason.toUpperCase().replaceAll(" ", "_")}`;
}
__name(codeOf, "codeOf");
function textOf2(error2, name) {
  const value = isRecord(error2) ? error2[name] : void 0;
  return typeof value === "string" ? value : "";
}
__name(textOf2, "textOf");

// src/cluster/request-target.ts
var VERBS2 = { GET: "get", POST: "create", DELETE: "delete" };
var RESOURCE_PATH = /^\/(?:api|apis\/([^/]+))\/[^/]+\/(.+)$/;
function targetOf(method, pathWithQuery) {
  const [path2 = "", query = ""] = pathWithQuery.split("?", 2);
  const match = RESOURCE_PATH.exec(path2);
  if (match === null)
    return { verb: VERBS2[method], group: "", resource: "", namespace: null, name: null, subresource: null, path: path2 };
  const segments = (match[2] ?? "").split("/").map(decode);
  const isNamespaced = segments[0] === "namespaces" && segments.length > 2;
  const [resource = "", name = null, subresource = null] = isNamespaced ? segments.slice(2) : segments;
  const namespace = isNamespaced ? segments[1] ?? null : null;
  return { verb: verbOf(method, name, query), group: match[1] ?? "", resource, namespace, name, subresource, path: path2 };
}
__name(targetOf, "targetOf");
function verbOf(method, name, query) {
  if (method !== "GET" || name !== null) return VERBS2[method];
  return /(?:^|&)watch=(?:1|true)(?:&|$)/.test(query) ? "watch" : "list";
}
__name(verbOf, "verbOf");
function decode(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
__name(decode, "decode");
var CLUSTER_SCOPED = /* @__PURE__ */ new Set(["nodes", "namespaces", "selfsubjectaccessreviews"]);
function describeTarget(target) {
  if (target.resource === "") return `${target.verb} ${target.path}`;
  const resource = qualified(target);
  const object = target.name === null ? resource : `${resource}/${target.name}`;
  const what = target.subresource === null ? object : `${object} (${target.subresource})`;
  if (target.namespace !== null) return `${target.verb} ${what} in namespace ${target.namespace}`;
  return CLUSTER_SCOPED.has(target.resource) ? `${target.verb} ${what}` : `${target.verb} ${what} in all namespaces`;
}
__name(describeTarget, "describeTarget");
function qualified(target) {
  return target.group === "" ? target.resource : `${target.resource}.${target.group}`;
}
__name(qualified, "qualified");
function ruleFor(right) {
  const list = /* @__PURE__ */ __name((values) => `[${values.map((value) => JSON.stringify(value)).join(", ")}]`, "list");
  const where2 = right.namespace === null ? "a ClusterRole" : `a Role in namespace ${right.namespace}`;
  return `apiGroups: ${list([right.group])}, resources: ${list(right.resources)}, verbs: ${list(right.verbs)} in ${where2}`;
}
__name(ruleFor, "ruleFor");

// src/cluster/explain.ts
function refused(target, response, refusal2, atMs) {
  const { status } = response;
  const words = capText(refusal2.message);
  const retryAfterMs = parseRetryAfter(response.headers["retry-after"], atMs) ?? (refusal2.retryAfterSeconds === null ? null : refusal2.retryAfterSeconds * 1e3);
  const kind = kindOf(status, refusal2.reason);
  const { reason, isStatus } = refusal2;
  const details = { ...detailsOf(target), kind, status, reason, words, retryAfterMs, isStatus };
  return new ApiError(`${describeTarget(target)}: ${refusalMessage(target, response, details)}`, details);
}
__name(refused, "refused");
function kindOf(status, reason) {
  if (status >= 300 && status < 400) return "redirect";
  switch (status) {
    case 401:
      return "unauthorized";
    case 403:
      return "forbidden";
    case 404:
      return "not-found";
    case 407:
      return "not-kubernetes";
    case 408:
      return "server-error";
    case 409:
      return "conflict";
    case 410:
      return "expired";
    case 429:
      return "too-many-requests";
    default:
      if (reason === "Expired" || reason === "Gone") return "expired";
      return status >= 500 ? "server-error" : "invalid";
  }
}
__name(kindOf, "kindOf");
function refusalMessage(target, response, details) {
  const { kind, status, reason, words } = details;
  const code = `${status}${reason === "" ? "" : ` ${reason}`}`;
  const said2 = words === "" || words === reason ? code : `${code}${refusedUser(words) ?? `: ${words}`}`;
  if (isAdmissionRefusal(words)) {
    return `${code}: ${words.replace(FORBIDDEN_OBJECT, "")}; no right would help: ask who keeps that admission webhook or policy`;
  }
  switch (kind) {
    case "unauthorized":
      return `${said2}, also with credentials obtained anew; renew the token or client certificate of the kubeconfig, or log in again before this step`;
    case "forbidden":
      return `${said2}; ${forbiddenFix(target, words)}`;
    case "redirect":
      return `${status}, a redirect to ${placeOf(response.headers.location)}; redirects are never followed: use the API server's own address in the kubeconfig`;
    case "not-kubernetes":
      return `${said2}; this is a proxy's answer: give it its credentials, or add the API server to NO_PROXY`;
    default:
      return said2;
  }
}
__name(refusalMessage, "refusalMessage");
var REFUSED_BY_RBAC = /^\S+(?: "[^"]*")? is forbidden: User "([^"]*)" cannot \S+ resource "[^"]*" in API group "[^"]*"(?: at the cluster scope| in the namespace "[^"]*")(.*)$/s;
function refusedUser(words) {
  const match = REFUSED_BY_RBAC.exec(words);
  return match === null ? null : ` for user "${match[1]}"${match[2]}`;
}
__name(refusedUser, "refusedUser");
var ADMISSION = /^admission webhook "|ValidatingAdmissionPolicy '/;
var FORBIDDEN_OBJECT = /^\S+ "[^"]*" is forbidden: /;
function isAdmissionRefusal(words) {
  return ADMISSION.test(words);
}
__name(isAdmissionRefusal, "isAdmissionRefusal");
function forbiddenFix(target, words) {
  if (words.includes("system:anonymous")) {
    return "the server did not recognise any credentials: check the user of the kubeconfig";
  }
  const resource = target.subresource === null ? target.resource : `${target.resource}/${target.subresource}`;
  const verbs = target.verb === "list" || target.verb === "watch" ? ["list", "watch"] : [target.verb];
  if (resource === "") return "the credentials may not do this";
  return `allow it with ${ruleFor({ ...target, resources: [resource], verbs })}`;
}
__name(forbiddenFix, "forbiddenFix");
function placeOf(location) {
  if (location === void 0) return "nowhere";
  try {
    const { origin, pathname } = new URL(location, "https://same-server");
    return capText(origin === "https://same-server" ? pathname : origin + pathname, 200);
  } catch {
    return "an unreadable address";
  }
}
__name(placeOf, "placeOf");
function notAnswered(target, cause) {
  if (isConnectError(cause)) {
    const details2 = { ...detailsOf(target), kind: "credentials", reason: "", words: cause.message };
    const fix2 = "log in again before this step, or repair the user of the kubeconfig";
    return new ApiError(`${describeTarget(target)}: no credentials: ${cause.message}; ${fix2}`, details2, { cause });
  }
  const { kind, code, what, fix } = networkProblemOf(cause);
  const advice = fix === "" ? "" : `; ${fix}`;
  const coded = code === "" || what.includes(code) ? "" : ` (${code})`;
  const details = { ...detailsOf(target), kind, reason: code, words: capText(what) };
  return new ApiError(`${describeTarget(target)}: ${capText(what)}${coded}${advice}`, details, { cause });
}
__name(notAnswered, "notAnswered");
function renewed(target) {
  const words = "401, and the credentials were obtained anew";
  return new ApiError(`${describeTarget(target)}: ${words}`, {
    ...detailsOf(target),
    kind: "credentials",
    status: 401,
    words
  });
}
__name(renewed, "renewed");
function notKubernetes(target, response) {
  const type = capText(response.headers["content-type"] ?? "no content type", 100);
  const details = { ...detailsOf(target), kind: "not-kubernetes", status: response.status, words: type };
  return new ApiError(
    `${describeTarget(target)}: not a Kubernetes API response (${response.status}, ${type}); a proxy or a login page answers in place of the API server: check the kubeconfig's server and NO_PROXY`,
    details
  );
}
__name(notKubernetes, "notKubernetes");
function garbled(target, cause) {
  const isTooLong = cause instanceof TooLongBody;
  const details = {
    ...detailsOf(target),
    kind: isTooLong ? "invalid" : "unreachable",
    reason: isTooLong ? TOO_LONG : "Garbled",
    words: cause.message
  };
  return new ApiError(`${describeTarget(target)}: ${cause.message}`, details, { cause });
}
__name(garbled, "garbled");
var TOO_LONG = "TooLong";
function silent(target, limitMs) {
  return brokenOff(target, "Silent", `nothing came for ${Math.round(limitMs / 1e3)} s`);
}
__name(silent, "silent");
function unfinished(target, limitMs) {
  return brokenOff(target, "Unfinished", `the answer had not ended after ${Math.round(limitMs / 1e3)} s`);
}
__name(unfinished, "unfinished");
function brokenOff(target, reason, words) {
  const details = { ...detailsOf(target), kind: "unreachable", reason, words };
  return new ApiError(`${describeTarget(target)}: ${words}`, details);
}
__name(brokenOff, "brokenOff");
function aborted(target) {
  return new ApiError(`${describeTarget(target)}: given up because the run ends`, {
    ...detailsOf(target),
    kind: "aborted"
  });
}
__name(aborted, "aborted");
function detailsOf(target) {
  return {
    kind: "unreachable",
    status: 0,
    reason: "",
    words: "",
    retryAfterMs: null,
    verb: target.verb,
    path: target.path
  };
}
__name(detailsOf, "detailsOf");

// src/calico/restart.ts
var READ_TRIES = 4;
var CHECK_TRIES = 1;
var MOST_UNANSWERED = 2;
async function restartCalicoNode(api, next, signal) {
  const { node, target, stuckUids, namespaces } = next;
  const { answer, why, isRead } = await deletePod(api, next, signal);
  const { atMs, elapsedMs } = api.now();
  return {
    node,
    before: target,
    atMs,
    elapsedMs,
    answer,
    seenBy: isRead === true ? "read" : null,
    stuckUids,
    namespaces,
    settled: null,
    settledElapsedMs: null,
    outcome: null,
    why,
    after: null
  };
}
__name(restartCalicoNode, "restartCalicoNode");
async function deletePod(api, { target, unanswered }, signal) {
  const name = `${target.namespace}/${target.pod}`;
  const deleted = { answer: "deleted", why: `${name} was deleted: waiting for the new calico-node pod` };
  if (signal.aborted) return { answer: "failed", why: `${name} was not deleted: the run ended before` };
  const { result, words } = await sendDelete(api, target, signal);
  switch (result) {
    case "done":
      return afterDone(await readAgain(api, target, signal, CHECK_TRIES));
    case "elsewhere":
      if (await readAgain(api, target, signal, CHECK_TRIES) === "there")
        return notDone(`as if it were gone (${words})`);
      if (unanswered > 0) return deleted;
      return { answer: "elsewhere", why: `${name} had been restarted by somebody else: waiting for the new pod` };
    case "forbidden":
      return {
        answer: "forbidden",
        why: `the right to delete pods in namespace ${target.namespace} is missing: ${words}`
      };
    case "failed":
      return { answer: "failed", why: `failed to delete ${name}: ${words}` };
    case "turned-away":
      return { answer: "turned-away", why: `${name} was not deleted: ${words}` };
    case "lost":
      return afterLost(await readAgain(api, target, signal, READ_TRIES), unanswered + 1);
  }
  function afterDone(pod) {
    return pod === "there" ? notDone("with success") : { ...deleted, isRead: pod === "gone" };
  }
  __name(afterDone, "afterDone");
  function notDone(said2) {
    return { answer: "failed", why: whyNotDone(target, said2) };
  }
  __name(notDone, "notDone");
  function afterLost(pod, times) {
    const said2 = `the DELETE of ${name} got no answer${times === 1 ? "" : ` ${times} times`} (${words})`;
    switch (pod) {
      case "gone":
        return { ...deleted, isRead: true };
      case "unreadable":
        return { answer: "lost", why: `${said2}, and the pod could not be read` };
      case "there":
        return { answer: times < MOST_UNANSWERED ? "undone" : "failed", why: `${said2}, and the pod is still there` };
    }
  }
  __name(afterLost, "afterLost");
}
__name(deletePod, "deletePod");
function pathOf({ namespace, pod }) {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}`;
}
__name(pathOf, "pathOf");
async function sendDelete(api, target, signal) {
  const options = { apiVersion: "v1", kind: "DeleteOptions", preconditions: { uid: target.uid } };
  try {
    await api.delete(pathOf(target), options, { signal });
    return { result: "done", words: "" };
  } catch (error2) {
    const result = isApiError(error2) && isAdmissionRefusal(error2.words) ? "failed" : resultOf(kindOf2(error2));
    return { result, words: wordsOf(error2) };
  }
}
__name(sendDelete, "sendDelete");
function resultOf(kind) {
  switch (kind) {
    // A precondition that does not hold, or no such pod: another one stands in its place, or will.
    case "not-found":
    case "conflict":
      return "elsewhere";
    case "forbidden":
      return "forbidden";
    // Answered before anything was done: another one may be taken.
    case "credentials":
    case "too-many-requests":
      return "turned-away";
    // The same, and another one will not be.
    case "unauthorized":
    case "invalid":
    case "expired":
    case "redirect":
      return "failed";
    // TLS may fail after the request was sent, too: a record that is broken, an alert.
    case "certificate":
    case "server-error":
    case "not-kubernetes":
    case "unreachable":
    case "aborted":
      return "lost";
  }
}
__name(resultOf, "resultOf");
async function readAgain(api, target, signal, tries) {
  try {
    const pod = await api.getJson(pathOf(target), { signal, tries });
    const { uid, deletionTimestamp, isAbout } = metadataOf(pod);
    if (uid === null || !isAbout(target)) return "unreadable";
    return uid === target.uid && !deletionTimestamp ? "there" : "gone";
  } catch (error2) {
    return kindOf2(error2) === "not-found" ? "gone" : "unreadable";
  }
}
__name(readAgain, "readAgain");
function metadataOf(pod) {
  const metadata = isRecord(pod) && isRecord(pod.metadata) ? pod.metadata : {};
  const { uid, name, namespace, deletionTimestamp } = metadata;
  return {
    uid: typeof uid === "string" ? uid : null,
    deletionTimestamp: typeof deletionTimestamp === "string",
    isAbout: /* @__PURE__ */ __name((target) => name === target.pod && namespace === target.namespace, "isAbout")
  };
}
__name(metadataOf, "metadataOf");
function kindOf2(error2) {
  return error2 instanceof Error && "kind" in error2 ? error2.kind : "unreachable";
}
__name(kindOf2, "kindOf");
function wordsOf(error2) {
  return error2 instanceof Error ? error2.message : String(error2);
}
__name(wordsOf, "wordsOf");

// src/cluster/own-pod.ts
var import_promises2 = __nccwpck_require__(455);
var import_node_path3 = __nccwpck_require__(760);

// src/cluster/kubeconfig-source.ts
var import_node_path2 = __nccwpck_require__(760);

// src/cluster/kubeconfig.ts
var import_node_path = __nccwpck_require__(760);
async function parseKubeconfig(text3, path2) {
  const { load: load2 } = await Promise.resolve().then(() => (init_js_yaml(), js_yaml_exports));
  let config;
  let problem = null;
  try {
    config = text3.trim() === "" ? {} : load2(text3, { json: true });
  } catch (error2) {
    problem = whereOf(error2);
  }
  if (problem === null && !isRecord(config)) problem = "it is YAML, but no kubeconfig";
  if (problem !== null) throw unreadable(path2, problem);
  const { clusters, users, contexts, "current-context": currentContext } = config;
  const folder = (0, import_node_path.dirname)(path2);
  return {
    clusters: named(clusters, "cluster", path2, (name, cluster) => clusterOf(name, cluster, folder)),
    users: named(users, "user", path2, (name, user) => userOf(name, user, folder)),
    contexts: named(contexts, "context", path2, (name, context) => ({
      name,
      cluster: textOf3(context.cluster) ?? "",
      user: textOf3(context.user) ?? ""
    })),
    currentContext: textOf3(currentContext) ?? ""
  };
}
__name(parseKubeconfig, "parseKubeconfig");
function mergeKubeconfigs(configs) {
  return {
    clusters: firstOfEachName(configs.flatMap(({ clusters }) => clusters)),
    users: firstOfEachName(configs.flatMap(({ users }) => users)),
    contexts: firstOfEachName(configs.flatMap(({ contexts }) => contexts)),
    currentContext: configs.find(({ currentContext }) => currentContext !== "")?.currentContext ?? ""
  };
}
__name(mergeKubeconfigs, "mergeKubeconfigs");
function invalid(message) {
  return new ConnectError(message, { reason: "KubeconfigInvalid" });
}
__name(invalid, "invalid");
function firstOfEachName(entries) {
  const byName = /* @__PURE__ */ new Map();
  for (const entry of entries) if (!byName.has(entry.name)) byName.set(entry.name, entry);
  return [...byName.values()];
}
__name(firstOfEachName, "firstOfEachName");
function whereOf(error2) {
  const mark = isRecord(error2) ? error2.mark : void 0;
  const line = isRecord(mark) ? mark.line : void 0;
  return typeof line === "number" ? `it is no YAML (line ${line + 1})` : "it is no YAML";
}
__name(whereOf, "whereOf");
function named(list, key, path2, read) {
  if (!Array.isArray(list)) return [];
  const names = /* @__PURE__ */ new Set();
  return list.filter(isRecord).flatMap((entry) => {
    const name = textOf3(entry.name);
    if (name === null) return [];
    if (names.has(name)) throw unreadable(path2, `it has two ${key}s with the name ${quote(name)}`);
    names.add(name);
    const content = entry[key];
    return [read(name, isRecord(content) ? content : {})];
  });
}
__name(named, "named");
function unreadable(path2, why) {
  return invalid(`the kubeconfig ${path2} cannot be read: ${why}`);
}
__name(unreadable, "unreadable");
function clusterOf(name, cluster, folder) {
  const extensions = Array.isArray(cluster.extensions) ? cluster.extensions.filter(isRecord) : [];
  return {
    name,
    server: textOf3(cluster.server) ?? "",
    caData: textOf3(cluster["certificate-authority-data"]),
    caFile: pathOf2(cluster["certificate-authority"], folder),
    tlsServerName: textOf3(cluster["tls-server-name"]),
    skipTlsVerify: cluster["insecure-skip-tls-verify"] === true,
    proxyUrl: textOf3(cluster["proxy-url"]),
    disableCompression: cluster["disable-compression"] === true,
    execConfig: extensions.find((entry) => entry.name === "client.authentication.k8s.io/exec")?.extension
  };
}
__name(clusterOf, "clusterOf");
function userOf(name, user, folder) {
  return {
    name,
    certData: textOf3(user["client-certificate-data"]),
    certFile: pathOf2(user["client-certificate"], folder),
    keyData: textOf3(user["client-key-data"]),
    keyFile: pathOf2(user["client-key"], folder),
    token: textOf3(user.token),
    tokenFile: pathOf2(user.tokenFile, folder),
    username: textOf3(user.username),
    password: textOf3(user.password),
    exec: isRecord(user.exec) ? execOf(user.exec, folder) : null,
    authProvider: user["auth-provider"] ?? null,
    impersonation: impersonationOf(user)
  };
}
__name(userOf, "userOf");
function execOf(exec, folder) {
  const command = textOf3(exec.command) ?? "";
  const env = Array.isArray(exec.env) ? exec.env.filter(isRecord) : [];
  return {
    apiVersion: textOf3(exec.apiVersion) ?? "",
    // A command with a slash is looked for beside the kubeconfig (client-go: ResolveLocalPaths).
    command: /[\\/]/.test(command) ? pathOf2(command, folder) ?? "" : command,
    args: textsOf(exec.args),
    env: Object.fromEntries(env.map((entry) => [textOf3(entry.name) ?? "", textOf3(entry.value) ?? ""])),
    installHint: textOf3(exec.installHint) ?? "",
    provideClusterInfo: exec.provideClusterInfo === true,
    interactiveMode: textOf3(exec.interactiveMode) ?? "IfAvailable"
  };
}
__name(execOf, "execOf");
function impersonationOf(user) {
  const as = textOf3(user.as);
  if (as === null) return {};
  const headers = { "Impersonate-User": as };
  const uid = textOf3(user["as-uid"]);
  if (uid !== null) headers["Impersonate-Uid"] = uid;
  const groups = textsOf(user["as-groups"]);
  if (groups.length > 0) headers["Impersonate-Group"] = groups;
  const extra = user["as-user-extra"];
  for (const [key, values] of Object.entries(isRecord(extra) ? extra : {})) {
    headers[`Impersonate-Extra-${encodeURIComponent(key)}`] = textsOf(values);
  }
  return headers;
}
__name(impersonationOf, "impersonationOf");
function textOf3(value) {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : null;
}
__name(textOf3, "textOf");
function textsOf(value) {
  return Array.isArray(value) ? value.map((element) => textOf3(element) ?? "") : [];
}
__name(textsOf, "textsOf");
function pathOf2(value, folder) {
  const path2 = textOf3(value);
  return path2 === null || (0, import_node_path.isAbsolute)(path2) ? path2 : (0, import_node_path.join)(folder, path2);
}
__name(pathOf2, "pathOf");

// src/cluster/small-file.ts
var import_promises = __nccwpck_require__(455);
async function readSmallFile(path2, limitBytes) {
  return (await readSmallBytes(path2, limitBytes)).toString("utf8");
}
__name(readSmallFile, "readSmallFile");
async function readSmallBytes(path2, limitBytes) {
  const file = await (0, import_promises.open)(path2, "r");
  try {
    const chunks = [];
    let sizeBytes = 0;
    for (; ; ) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, null);
      if (bytesRead === 0) return Buffer.concat(chunks, sizeBytes);
      sizeBytes += bytesRead;
      if (sizeBytes > limitBytes) throw new Error(`it is larger than ${limitBytes} bytes`);
      chunks.push(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}
__name(readSmallBytes, "readSmallBytes");
var CHUNK_BYTES = 64 * 1024;

// src/cluster/kubeconfig-source.ts
var SERVICE_ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";
var SHOWN_CONTEXTS = 20;
async function findTarget(options) {
  const { kubeconfig, env } = options;
  if (kubeconfig !== null) {
    const config2 = await readAll([kubeconfig]);
    if (config2 === null) throw notFound([`kubeconfig ${quote(kubeconfig)}: there is no such file`]);
    return chosen(config2, options, `kubeconfig ${kubeconfig}`);
  }
  const list = env.KUBECONFIG ?? "";
  if (list !== "") return fromList(list, options);
  const home = env.HOME ?? env.USERPROFILE ?? "";
  const usual = (0, import_node_path2.join)(home, ".kube", "config");
  const config = home === "" ? null : await readAll([usual]);
  if (config !== null && config.contexts.length > 0) return chosen(config, options, `kubeconfig ${usual}`);
  const atHome = config === null ? `${usual}: there is no such file` : `${usual}: it has no contexts`;
  const account = await inCluster(env, options.serviceAccountFolder ?? SERVICE_ACCOUNT_FOLDER);
  if (typeof account === "string") {
    throw notFound(["KUBECONFIG: not set", home === "" ? "~/.kube/config: HOME is not set" : atHome, account]);
  }
  if (options.context !== null) throw unknownContext(options.context, [], account.source);
  return account;
}
__name(findTarget, "findTarget");
async function fromList(list, options) {
  if (looksLikeKubeconfigContent(list)) throw invalid(`KUBECONFIG ${PASTED_KUBECONFIG}`);
  const config = await readAll(list.split(import_node_path2.delimiter).filter((path2) => path2 !== ""));
  if (config === null) throw notFound([`KUBECONFIG=${quote(list)}: none of its files is there`]);
  return chosen(config, options, `kubeconfig ${list} (KUBECONFIG)`);
}
__name(fromList, "fromList");
function notFound(tried) {
  return new ConnectError(
    `no kubeconfig found; tried: ${tried.join("; ")}. Set \`kubeconfig\` or KUBECONFIG to the path of a file (a login step before this one may write it)`,
    { reason: "KubeconfigNotFound" }
  );
}
__name(notFound, "notFound");
async function readAll(paths) {
  const configs = [];
  for (const path2 of paths) {
    const text3 = await readIfThere(path2);
    if (text3 !== null) configs.push(await parseKubeconfig(text3, path2));
  }
  return configs.length === 0 ? null : mergeKubeconfigs(configs);
}
__name(readAll, "readAll");
var KUBECONFIG_LIMIT_BYTES = 16 * 1024 * 1024;
async function readIfThere(path2) {
  try {
    return await readSmallFile(path2, KUBECONFIG_LIMIT_BYTES);
  } catch (cause) {
    const { code, message } = cause;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw new ConnectError(`the kubeconfig ${path2} cannot be read: ${code ?? message}`, {
      reason: "KubeconfigInvalid",
      cause
    });
  }
}
__name(readIfThere, "readIfThere");
function chosen(config, { context: wanted }, source) {
  const names = config.contexts.map((entry) => entry.name);
  if (wanted === null && config.currentContext === "") {
    const fix = names.length === 0 ? "it has no contexts" : `set \`context\` to ${listOf(names)}`;
    throw new ConnectError(`the ${source} has no current context; ${fix}`, { reason: "ContextNotFound" });
  }
  const name = wanted ?? config.currentContext;
  const context = config.contexts.find((candidate) => candidate.name === name);
  if (context === void 0) throw unknownContext(name, names, source);
  const cluster = config.clusters.find((candidate) => candidate.name === context.cluster);
  if (cluster === void 0 || cluster.server === "") {
    const what = cluster === void 0 ? "which it does not have" : "which has no server";
    throw invalid(`the ${source} has a context ${quote(name)} with the cluster ${quote(context.cluster)}, ${what}`);
  }
  const user = config.users.find((candidate) => candidate.name === context.user) ?? null;
  if (user === null && context.user !== "") {
    throw invalid(
      `the ${source} has a context ${quote(name)} with the user ${quote(context.user)}, which it does not have`
    );
  }
  return { cluster, user, context: name, source };
}
__name(chosen, "chosen");
function unknownContext(name, names, source) {
  return new ConnectError(`the ${source} has no context ${quote(name)}; it has ${listOf(names)}`, {
    reason: "ContextNotFound"
  });
}
__name(unknownContext, "unknownContext");
function listOf(names) {
  if (names.length === 0) return "no contexts";
  const shown = names.slice(0, SHOWN_CONTEXTS).map(quote).join(", ");
  return names.length > SHOWN_CONTEXTS ? `${shown} and ${names.length - SHOWN_CONTEXTS} more` : shown;
}
__name(listOf, "listOf");
async function inCluster(env, folder) {
  const { KUBERNETES_SERVICE_HOST: host = "", KUBERNETES_SERVICE_PORT: port = "" } = env;
  if (host === "" || port === "") return "in-cluster service account: this does not run in a pod of a cluster";
  const tokenFile = (0, import_node_path2.join)(folder, "token");
  if (await readIfThere(tokenFile) === null) return `in-cluster service account: there is no ${tokenFile}`;
  const server = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  return {
    cluster: {
      name: "in-cluster",
      server,
      caData: null,
      caFile: (0, import_node_path2.join)(folder, "ca.crt"),
      tlsServerName: null,
      skipTlsVerify: false,
      proxyUrl: null,
      disableCompression: false,
      execConfig: void 0
    },
    user: {
      name: "in-cluster",
      certData: null,
      certFile: null,
      keyData: null,
      keyFile: null,
      token: null,
      tokenFile,
      username: null,
      password: null,
      exec: null,
      authProvider: null,
      impersonation: {}
    },
    context: "",
    source: "in-cluster service account"
  };
}
__name(inCluster, "inCluster");

// src/cluster/own-pod.ts
async function findOwnPod(env, serviceAccountFolder = SERVICE_ACCOUNT_FOLDER) {
  const name = env.HOSTNAME ?? "";
  if (name === "" || !env.KUBERNETES_SERVICE_HOST) return null;
  const namespace = await (0, import_promises2.readFile)((0, import_node_path3.join)(serviceAccountFolder, "namespace"), "utf8").catch(() => "");
  return { name, namespace: namespace.trim() || null };
}
__name(findOwnPod, "findOwnPod");
function nodeOfOwnPod(own, { pods, witnesses }) {
  if (own === null) return null;
  const nodes = /* @__PURE__ */ new Set();
  for (const read of [pods, witnesses]) {
    for (const { name, namespace, nodeName } of read) {
      if (name === own.name && (own.namespace === null || namespace === own.namespace)) nodes.add(nodeName);
    }
  }
  const [only = null] = nodes;
  return nodes.size === 1 ? only : null;
}
__name(nodeOfOwnPod, "nodeOfOwnPod");

// src/cluster/projection/pool.ts
var MOST_POOLED = 5e4;
function createPool() {
  const pool = /* @__PURE__ */ new Map();
  return (key, make) => {
    const known = pool.get(key);
    if (known !== void 0) return known;
    if (pool.size >= MOST_POOLED) pool.clear();
    const made = make();
    pool.set(key, made);
    return made;
  };
}
__name(createPool, "createPool");

// src/cluster/projection/raw.ts
var NOTHING = Object.freeze({});
function record(value) {
  return value !== null && typeof value === "object" ? value : NOTHING;
}
__name(record, "record");
function records(value) {
  return Array.isArray(value) ? value.map(record) : [];
}
__name(records, "records");
function strings(value) {
  return Array.isArray(value) ? value.filter((element) => typeof element === "string").map((element) => shared(element)) : [];
}
__name(strings, "strings");
function text(value, limitBytes = TEXT_LIMIT_BYTES) {
  return typeof value === "string" ? capText(value, limitBytes) : "";
}
__name(text, "text");
function word(value) {
  return typeof value === "string" ? shared(value) : "";
}
__name(word, "word");
function wordOrNull(value) {
  return typeof value === "string" && value !== "" ? shared(value) : null;
}
__name(wordOrNull, "wordOrNull");
function numberOr(value, other) {
  return typeof value === "number" ? value : other;
}
__name(numberOr, "numberOr");
function timeMs(value) {
  if (typeof value !== "string") return null;
  const ms = Date.parse(value);
  return ms > 0 ? ms : null;
}
__name(timeMs, "timeMs");
function keyOf(...values) {
  return values.map((value) => typeof value === "string" ? `${value.length}:${value}` : typeof value).join();
}
__name(keyOf, "keyOf");
function stringMap(value) {
  const map = {};
  for (const [key, entry] of Object.entries(record(value))) {
    if (typeof entry === "string") map[shared(key)] = shared(entry);
  }
  return map;
}
__name(stringMap, "stringMap");
var LONGEST_SHARED = 128;
var share = createPool();
function shared(value) {
  return value.length > LONGEST_SHARED ? text(value) : share(value, () => value);
}
__name(shared, "shared");

// src/cluster/projection/metadata.ts
var NONE = Object.freeze([]);
function projectMetadata(raw) {
  const metadata = record(raw.metadata);
  const finalizers = strings(metadata.finalizers);
  return {
    namespace: word(metadata.namespace),
    name: text(metadata.name),
    uid: text(metadata.uid),
    resourceVersion: text(metadata.resourceVersion),
    createdAtMs: timeMs(metadata.creationTimestamp) ?? 0,
    deletionAtMs: timeMs(metadata.deletionTimestamp),
    finalizers: finalizers.length === 0 ? NONE : finalizers,
    controller: projectController(metadata.ownerReferences)
  };
}
__name(projectMetadata, "projectMetadata");
var poolController = createPool();
function projectController(ownerReferences) {
  const reference = records(ownerReferences).find((candidate) => candidate.controller === true);
  if (reference === void 0) return null;
  const { apiVersion, kind, name, uid } = reference;
  return poolController(keyOf(apiVersion, kind, name, uid), () => ({
    apiVersion: word(apiVersion),
    kind: word(kind),
    name: word(name),
    uid: word(uid)
  }));
}
__name(projectController, "projectController");
var poolCondition = createPool();
function projectConditions(conditions) {
  return records(conditions).map((condition) => {
    const { type, status, reason, message, lastTransitionTime, lastUpdateTime } = condition;
    const make = /* @__PURE__ */ __name(() => ({
      type: word(type),
      status: word(status),
      reason: word(reason),
      message: text(message),
      lastTransitionAtMs: timeMs(lastTransitionTime),
      lastUpdateAtMs: timeMs(lastUpdateTime)
    }), "make");
    if (message) return make();
    return poolCondition(keyOf(type, status, reason, lastTransitionTime, lastUpdateTime), make);
  });
}
__name(projectConditions, "projectConditions");

// src/cluster/projection/workload.ts
var DEFAULT_REPLICAS = 1;
var DEFAULT_PROGRESS_DEADLINE_SECONDS = 600;
var DEFAULT_STRATEGY = "RollingUpdate";
function projectWorkloadBase(raw) {
  const status = record(raw.status);
  const template = record(record(raw.spec).template);
  return {
    ...projectMetadata(raw),
    generation: numberOr(record(raw.metadata).generation, 0),
    observedGeneration: numberOr(status.observedGeneration, null),
    templateLabels: stringMap(record(template.metadata).labels),
    conditions: projectConditions(status.conditions)
  };
}
__name(projectWorkloadBase, "projectWorkloadBase");
function annotationOf(raw, name) {
  return word(record(record(raw.metadata).annotations)[name]);
}
__name(annotationOf, "annotationOf");
function strategyOf(strategy) {
  return word(record(strategy).type) || DEFAULT_STRATEGY;
}
__name(strategyOf, "strategyOf");
var projectDeployment = /* @__PURE__ */ __name((raw) => {
  const spec = record(raw.spec);
  const status = record(raw.status);
  return {
    kind: "Deployment",
    ...projectWorkloadBase(raw),
    desired: numberOr(spec.replicas, DEFAULT_REPLICAS),
    strategy: strategyOf(spec.strategy),
    paused: spec.paused === true,
    progressDeadlineMs: numberOr(spec.progressDeadlineSeconds, DEFAULT_PROGRESS_DEADLINE_SECONDS) * 1e3,
    revision: annotationOf(raw, "deployment.kubernetes.io/revision"),
    replicas: numberOr(status.replicas, 0),
    updated: numberOr(status.updatedReplicas, 0),
    ready: numberOr(status.readyReplicas, 0),
    available: numberOr(status.availableReplicas, 0)
  };
}, "projectDeployment");
var projectStatefulSet = /* @__PURE__ */ __name((raw) => {
  const spec = record(raw.spec);
  const status = record(raw.status);
  return {
    kind: "StatefulSet",
    ...projectWorkloadBase(raw),
    desired: numberOr(spec.replicas, DEFAULT_REPLICAS),
    strategy: strategyOf(spec.updateStrategy),
    partition: numberOr(record(record(spec.updateStrategy).rollingUpdate).partition, 0),
    ordinalsStart: numberOr(record(spec.ordinals).start, 0),
    currentRevision: word(status.currentRevision),
    updateRevision: word(status.updateRevision),
    replicas: numberOr(status.replicas, 0),
    updated: numberOr(status.updatedReplicas, 0),
    ready: numberOr(status.readyReplicas, 0),
    available: numberOr(status.availableReplicas, 0)
  };
}, "projectStatefulSet");
var projectJob = /* @__PURE__ */ __name((raw) => {
  const spec = record(raw.spec);
  const status = record(raw.status);
  return {
    kind: "Job",
    ...projectWorkloadBase(raw),
    completions: numberOr(spec.completions, null),
    parallelism: numberOr(spec.parallelism, 1),
    suspended: spec.suspend === true,
    active: numberOr(status.active, 0),
    succeeded: numberOr(status.succeeded, 0),
    failed: numberOr(status.failed, 0),
    startedAtMs: timeMs(status.startTime),
    completedAtMs: timeMs(status.completionTime)
  };
}, "projectJob");

// src/cluster/projection/daemon-set.ts
var projectDaemonSet = /* @__PURE__ */ __name((raw) => {
  const spec = record(raw.spec);
  const status = record(raw.status);
  return {
    kind: "DaemonSet",
    ...projectWorkloadBase(raw),
    strategy: strategyOf(spec.updateStrategy),
    desired: numberOr(status.desiredNumberScheduled, null),
    current: numberOr(status.currentNumberScheduled, 0),
    misscheduled: numberOr(status.numberMisscheduled, 0),
    updated: numberOr(status.updatedNumberScheduled, 0),
    ready: numberOr(status.numberReady, 0),
    available: numberOr(status.numberAvailable, 0),
    templateGeneration: annotationOf(raw, "deprecated.daemonset.template.generation"),
    template: projectTemplate(record(record(spec.template).spec))
  };
}, "projectDaemonSet");
function projectTemplate(podSpec) {
  const containers = records(podSpec.containers);
  const initContainers = records(podSpec.initContainers);
  const all = [...initContainers, ...containers];
  return {
    containers: containers.map(({ name }) => word(name)),
    initContainers: initContainers.map(({ name }) => word(name)),
    hostNetwork: podSpec.hostNetwork === true,
    hostProcess: isHostProcess(podSpec) || all.length > 0 && all.every(isHostProcess),
    hostPaths: hostPathsOf(records(podSpec.volumes), all)
  };
}
__name(projectTemplate, "projectTemplate");
function isHostProcess(holder) {
  return record(record(holder.securityContext).windowsOptions).hostProcess === true;
}
__name(isHostProcess, "isHostProcess");
function hostPathsOf(volumes, containers) {
  const mounted = new Set(containers.flatMap(({ volumeMounts }) => records(volumeMounts).map(({ name }) => name)));
  return volumes.filter(({ name, hostPath }) => mounted.has(name) && word(record(hostPath).path) !== "").map(({ hostPath }) => word(record(hostPath).path));
}
__name(hostPathsOf, "hostPathsOf");

// src/cluster/projection/container.ts
var ASKS_LIMIT_BYTES = 200;
function projectContainers(spec, status) {
  return [
    ...joined(
      spec.initContainers,
      status.initContainerStatuses,
      (raw) => raw.restartPolicy === "Always" ? "sidecar" : "init"
    ),
    ...joined(spec.containers, status.containerStatuses, () => "main")
  ];
}
__name(projectContainers, "projectContainers");
function joined(specs, statuses, roleOf) {
  const byName = new Map(records(statuses).map((status) => [status.name, status]));
  return records(specs).map((spec) => projectContainer(spec, byName.get(spec.name), roleOf(spec)));
}
__name(joined, "joined");
function projectContainer(spec, status, role) {
  const state = record(status?.state);
  return {
    name: word(spec.name),
    role,
    image: word(spec.image),
    state: projectState(state),
    lastEnd: projectTerminated(record(status?.lastState).terminated),
    ready: status?.ready === true,
    started: typeof status?.started === "boolean" ? status.started : null,
    restartCount: numberOr(status?.restartCount, 0),
    readinessProbe: projectProbe(spec.readinessProbe),
    startupProbe: projectProbe(spec.startupProbe)
  };
}
__name(projectContainer, "projectContainer");
var poolRunning = createPool();
var NO_STATE = Object.freeze({ kind: "none" });
function projectState(state) {
  const terminated = projectTerminated(state.terminated);
  if (terminated !== null) return terminated;
  if (isThere(state.running)) {
    const { startedAt } = record(state.running);
    return poolRunning(keyOf(startedAt), () => ({ kind: "running", startedAtMs: timeMs(startedAt) }));
  }
  if (!isThere(state.waiting)) return NO_STATE;
  const { reason, message } = record(state.waiting);
  return { kind: "waiting", reason: word(reason), message: text(message) };
}
__name(projectState, "projectState");
function isRunning(status) {
  return isThere(record(status.state).running);
}
__name(isRunning, "isRunning");
function projectTerminated(value) {
  if (!isThere(value)) return null;
  const { reason, message, exitCode, signal, startedAt, finishedAt } = record(value);
  return {
    kind: "terminated",
    reason: word(reason),
    message: text(message),
    exitCode: numberOr(exitCode, 0),
    signal: numberOr(signal, null),
    startedAtMs: timeMs(startedAt),
    finishedAtMs: timeMs(finishedAt)
  };
}
__name(projectTerminated, "projectTerminated");
function isThere(value) {
  return value !== null && typeof value === "object";
}
__name(isThere, "isThere");
var poolProbe = createPool();
function projectProbe(value) {
  if (!isThere(value)) return null;
  const raw = record(value);
  const probe = {
    initialDelayMs: numberOr(raw.initialDelaySeconds, 0) * 1e3,
    periodMs: (numberOr(raw.periodSeconds, 0) || 10) * 1e3,
    failureThreshold: numberOr(raw.failureThreshold, 0) || 3,
    asks: text(asks(raw), ASKS_LIMIT_BYTES)
  };
  return poolProbe(JSON.stringify(probe), () => probe);
}
__name(projectProbe, "projectProbe");
function asks(probe) {
  const { httpGet, tcpSocket, grpc, exec } = probe;
  if (isThere(httpGet)) return `GET :${portOf(httpGet)}${text(record(httpGet).path) || "/"}`;
  if (isThere(tcpSocket)) return `tcp :${portOf(tcpSocket)}`;
  if (isThere(grpc)) return `grpc :${portOf(grpc)}`;
  if (isThere(exec)) return `exec ${strings(record(exec).command).join(" ")}`;
  return "";
}
__name(asks, "asks");
function portOf(action) {
  const { port } = record(action);
  return typeof port === "number" ? String(port) : text(port);
}
__name(portOf, "portOf");

// src/cluster/projection/pod.ts
var NONE2 = Object.freeze([]);
var projectPod = /* @__PURE__ */ __name((raw) => {
  const spec = record(raw.spec);
  const status = record(raw.status);
  const { labels: rawLabels, annotations: rawAnnotations, deletionGracePeriodSeconds } = record(raw.metadata);
  const labels = record(rawLabels);
  const annotations = record(rawAnnotations);
  const graceSeconds = numberOr(deletionGracePeriodSeconds, null);
  const podIp = annotations["cni.projectcalico.org/podIP"];
  return {
    ...projectMetadata(raw),
    revision: wordOrNull(labels["pod-template-hash"]) ?? wordOrNull(labels["controller-revision-hash"]),
    // The short name is the one that clusters before 1.27 set.
    jobName: wordOrNull(labels["batch.kubernetes.io/job-name"]) ?? wordOrNull(labels["job-name"]),
    nodeName: wordOrNull(spec.nodeName),
    hostNetwork: spec.hostNetwork === true,
    restartPolicy: word(spec.restartPolicy) || "Always",
    mirror: annotations["kubernetes.io/config.mirror"] !== void 0,
    deletionGraceMs: graceSeconds === null ? null : graceSeconds * 1e3,
    observed: isObserved(raw),
    calicoPodIp: typeof podIp === "string" ? text(podIp) : null,
    phase: word(status.phase),
    reason: word(status.reason),
    message: text(status.message),
    conditions: projectConditions(status.conditions),
    startTimeMs: timeMs(status.startTime),
    hasPodIp: text(status.podIP) !== "" || records(status.podIPs).some(({ ip }) => text(ip) !== ""),
    nominatedNodeName: wordOrNull(status.nominatedNodeName),
    readinessGates: readinessGatesOf(spec),
    containers: projectContainers(spec, status),
    isDebugged: records(status.ephemeralContainerStatuses).some(isRunning)
  };
}, "projectPod");
function isObserved(raw) {
  const generation = numberOr(record(raw.metadata).generation, null);
  const observed = numberOr(record(raw.status).observedGeneration, null);
  return generation === null || observed === null ? null : observed >= generation;
}
__name(isObserved, "isObserved");
function readinessGatesOf(spec) {
  const gates = records(spec.readinessGates).map(({ conditionType }) => word(conditionType));
  return gates.length === 0 ? NONE2 : gates;
}
__name(readinessGatesOf, "readinessGatesOf");

// src/cluster/freshness.ts
function createFreshness(options) {
  const { viewGapMs, forbiddenRetryMs, startedAt, outageElapsedMs } = options;
  let wasRead = false;
  let lost = { at: startedAt, message: "no complete answer yet" };
  let isLost = true;
  let forbiddenAt = null;
  let refusals = null;
  let allowedGapMs = viewGapMs;
  let gapsClosed = 0;
  let regainedElapsedMs = null;
  const lose = /* @__PURE__ */ __name((at, message) => {
    lost = { at: isLost ? lost.at : at, message };
    isLost = true;
  }, "lose");
  const staleAfterMs = /* @__PURE__ */ __name(() => forbiddenAt === null && refusals === null ? allowedGapMs : viewGapMs, "staleAfterMs");
  return {
    seen: /* @__PURE__ */ __name((asOf) => {
      if (wasRead && isLost) {
        const lostForMs = asOf.elapsedMs - lost.at.elapsedMs;
        if (lostForMs > viewGapMs) gapsClosed += 1;
        const wasOutage = (outageElapsedMs() ?? Number.NEGATIVE_INFINITY) >= lost.at.elapsedMs;
        if (wasOutage || lostForMs > staleAfterMs()) regainedElapsedMs = asOf.elapsedMs;
      }
      wasRead = true;
      isLost = false;
      forbiddenAt = null;
      refusals = null;
    }, "seen"),
    lose: /* @__PURE__ */ __name((now, message) => {
      forbiddenAt = null;
      refusals = null;
      lose(now, message);
    }, "lose"),
    forbid: /* @__PURE__ */ __name((now, message) => {
      forbiddenAt ??= now;
      refusals = null;
      lose(now, message);
    }, "forbid"),
    refuse: /* @__PURE__ */ __name((now, message) => {
      forbiddenAt = null;
      refusals = { first: refusals?.first ?? now, last: now };
      lose(now, message);
    }, "refuse"),
    allowGap: /* @__PURE__ */ __name((ms) => {
      allowedGapMs = ms;
    }, "allowGap"),
    state: /* @__PURE__ */ __name((now) => {
      if (!isLost) return { kind: "live", freshAtMs: now.atMs };
      const { at, message } = lost;
      const sinceMs = at.atMs;
      if (forbiddenAt !== null && (!wasRead || now.elapsedMs - forbiddenAt.elapsedMs >= forbiddenRetryMs)) {
        return { kind: "forbidden", sinceMs, message, wasRead };
      }
      if (refusals !== null && refusals.last.elapsedMs - refusals.first.elapsedMs >= forbiddenRetryMs) {
        return { kind: "refused", sinceMs, message, wasRead };
      }
      if (!wasRead) return { kind: "never-read", sinceMs, message };
      if (now.elapsedMs - at.elapsedMs <= staleAfterMs()) return { kind: "live", freshAtMs: sinceMs };
      return { kind: "stale", sinceMs, message };
    }, "state"),
    lostForMs: /* @__PURE__ */ __name((now) => isLost ? now.elapsedMs - lost.at.elapsedMs : 0, "lostForMs"),
    gapsClosed: /* @__PURE__ */ __name(() => gapsClosed, "gapsClosed"),
    regainedElapsedMs: /* @__PURE__ */ __name(() => regainedElapsedMs, "regainedElapsedMs")
  };
}
__name(createFreshness, "createFreshness");

// src/cluster/resource-version.ts
var DECIMAL = /^[1-9]\d*$/;
function isOlder(version, than) {
  if (!DECIMAL.test(version) || !DECIMAL.test(than)) return false;
  return version.length === than.length ? version < than : version.length < than.length;
}
__name(isOlder, "isOlder");

// src/cluster/pages.ts
var PAGE_LIMIT = 500;
var PAGED_ROUNDS = 2;
var LEAST_PAGE_LIMIT = 5;
var SMALLER = 10;
var PAGE_BODY_LIMIT_BYTES = 96 * 1024 * 1024;
var USUAL_PAGE_BYTES = PAGE_BODY_LIMIT_BYTES / 4;
var SHOWN_VERSION = 40;
var MOST_OBJECTS = 5e5;
var MOST_EMPTY_PAGES = 10;
async function readList(options) {
  for (let round = 1; round <= PAGED_ROUNDS; round += 1) {
    try {
      return await readRound(options, PAGE_LIMIT);
    } catch (error2) {
      if (!isApiError(error2) || error2.kind !== "expired") throw error2;
    }
  }
  return readRound(options, null);
}
__name(readList, "readList");
async function readRound(options, firstLimit) {
  const { newest: newest2 = "" } = options;
  const end2 = new AbortController();
  const signal = AbortSignal.any([options.signal, end2.signal]);
  const early = /* @__PURE__ */ new Map();
  const entries = [];
  const tokens = /* @__PURE__ */ new Set();
  const firstKeys = /* @__PURE__ */ new Set();
  let present2 = firstLimit;
  let askedFor = 0;
  let resourceVersion = null;
  let emptyPages = 0;
  const fetchPage = /* @__PURE__ */ __name((token, limit) => options.api.read(
    pathOf3(options.path, limit, token),
    async (body) => {
      const next = options.decoder.peekContinue(body);
      if (next !== "" && next !== token && !early.has(next))
        early.set(next, startEarly(next, limit === null ? null : limitAfter(limit, body.byteLength)));
      if (next !== "") await nextRound();
      return options.decoder.decodePage(body, options.recall);
    },
    {
      signal,
      accept: options.decoder.accept,
      onTrouble: options.onTrouble,
      ...limit === null ? {} : { limitBytes: PAGE_BODY_LIMIT_BYTES }
    }
  ), "fetchPage");
  const startEarly = /* @__PURE__ */ __name((token, limit) => {
    const page = fetchPage(token, limit);
    page.catch(() => {
    });
    return { page, limit };
  }, "startEarly");
  try {
    for (let token = ""; ; ) {
      const asked = early.get(token) ?? { page: fetchPage(token, present2), limit: present2 };
      early.delete(token);
      present2 = asked.limit;
      askedFor += asked.limit ?? PAGE_LIMIT;
      const page = await unlessTooLong(asked);
      if (page === null) {
        present2 = smallerThan(asked.limit);
        continue;
      }
      if (isOlder(page.resourceVersion, newest2)) throw outdated(options.path, page.resourceVersion, newest2);
      resourceVersion ??= page.resourceVersion;
      if (page.resourceVersion !== resourceVersion) throw snapshotChanged(options.path);
      for (const entry of page.entries) entries.push(entry);
      token = page.continueToken;
      if (token === "") return { entries, resourceVersion };
      const why = whyEndless(page, token);
      if (why !== null) throw endless(options.path, why);
    }
  } finally {
    end2.abort();
  }
  function whyEndless({ entries: [first] }, token) {
    if (tokens.has(token)) return "the server repeats a continue token";
    tokens.add(token);
    if (askedFor >= MOST_OBJECTS) return `it has more than ${tokens.size} pages`;
    emptyPages = first === void 0 ? emptyPages + 1 : 0;
    if (emptyPages > MOST_EMPTY_PAGES) return "the server sends empty pages, one after another";
    if (first === void 0) return null;
    if (firstKeys.has(first.key)) return "the server repeats a page";
    firstKeys.add(first.key);
    return null;
  }
  __name(whyEndless, "whyEndless");
}
__name(readRound, "readRound");
async function unlessTooLong({ page, limit }) {
  try {
    return await page;
  } catch (error2) {
    if (isApiError(error2) && error2.reason === TOO_LONG && limit !== null && limit > LEAST_PAGE_LIMIT) return null;
    throw error2;
  }
}
__name(unlessTooLong, "unlessTooLong");
function smallerThan(limit) {
  return limit === null ? null : Math.max(LEAST_PAGE_LIMIT, Math.floor(limit / SMALLER));
}
__name(smallerThan, "smallerThan");
function limitAfter(limit, bytes) {
  const fitting2 = Math.floor(limit * USUAL_PAGE_BYTES / Math.max(1, bytes));
  return Math.min(PAGE_LIMIT, Math.max(LEAST_PAGE_LIMIT, limit, fitting2));
}
__name(limitAfter, "limitAfter");
function nextRound() {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
__name(nextRound, "nextRound");
function pathOf3(path2, limit, token) {
  const query = [];
  if (limit !== null) query.push(`limit=${limit}`);
  if (token !== "") query.push(`continue=${encodeURIComponent(token)}`);
  return query.length === 0 ? path2 : `${path2}${path2.includes("?") ? "&" : "?"}${query.join("&")}`;
}
__name(pathOf3, "pathOf");
function snapshotChanged(path2) {
  return listError(path2, "expired", "SnapshotChanged", "the pages of the list are of different versions");
}
__name(snapshotChanged, "snapshotChanged");
function endless(path2, why) {
  return listError(path2, "server-error", "ListEndless", `the list does not end: ${why}`);
}
__name(endless, "endless");
function outdated(path2, version, newest2) {
  const what = `the list is of version ${capText(version, SHOWN_VERSION)}, but ${capText(newest2, SHOWN_VERSION)} was seen before`;
  return listError(
    path2,
    "server-error",
    "ListOutdated",
    `${what}; a cache between the gate and the API server answers in its place, or the cluster was restored from a backup`
  );
}
__name(outdated, "outdated");
function listError(path2, kind, reason, words) {
  const target = targetOf("GET", path2);
  return new ApiError(`${describeTarget(target)}: ${words}`, {
    kind,
    status: 200,
    reason,
    words,
    verb: target.verb,
    path: target.path,
    retryAfterMs: null
  });
}
__name(listError, "listError");

// src/cluster/refresh-waiters.ts
function createRefreshWaiters() {
  let waiting = [];
  const answer = /* @__PURE__ */ __name((isFresh2, those = waiting) => {
    waiting = waiting.filter((waiter) => !those.includes(waiter));
    for (const waiter of those) waiter(isFresh2);
  }, "answer");
  return {
    present: /* @__PURE__ */ __name(() => waiting, "present"),
    answer,
    wait: /* @__PURE__ */ __name((signal) => new Promise((resolve) => {
      const settle2 = /* @__PURE__ */ __name((isFresh2) => {
        signal.removeEventListener("abort", onAbort);
        resolve(isFresh2);
      }, "settle");
      const onAbort = /* @__PURE__ */ __name(() => answer(false, [settle2]), "onAbort");
      signal.addEventListener("abort", onAbort, { once: true });
      waiting = [...waiting, settle2];
    }), "wait")
  };
}
__name(createRefreshWaiters, "createRefreshWaiters");

// src/cluster/store.ts
var MOST_KEPT = 1e4;
function createStore(keepDeleted = () => false) {
  let live = /* @__PURE__ */ new Map();
  const kept = /* @__PURE__ */ new Map();
  let items = null;
  let revision = 0;
  const changed = /* @__PURE__ */ __name(() => {
    items = null;
    revision += 1;
  }, "changed");
  const keep = /* @__PURE__ */ __name(({ key, item }) => {
    if (item === null || !keepDeleted(item)) return;
    kept.set(key, item);
    if (kept.size <= MOST_KEPT) return;
    const [oldest] = kept.keys();
    if (oldest !== void 0) kept.delete(oldest);
  }, "keep");
  return {
    recall: /* @__PURE__ */ __name((key, version) => {
      const entry = live.get(key);
      return entry?.version === version && entry.item !== null ? entry.item : void 0;
    }, "recall"),
    replace: /* @__PURE__ */ __name((entries) => {
      const next = /* @__PURE__ */ new Map();
      for (const entry of entries) {
        if (entry.item !== null) next.set(entry.key, entry);
      }
      const isSame = next.size === live.size && entries.every(({ key, item }) => (live.get(key)?.item ?? null) === item);
      for (const [key, entry] of live) if (!next.has(key)) keep(entry);
      for (const key of next.keys()) kept.delete(key);
      live = next;
      if (!isSame) changed();
    }, "replace"),
    put: /* @__PURE__ */ __name((entry) => {
      const before2 = live.get(entry.key)?.item ?? null;
      if (entry.item === null) live.delete(entry.key);
      else live.set(entry.key, entry);
      kept.delete(entry.key);
      if (before2 !== entry.item) changed();
    }, "put"),
    remove: /* @__PURE__ */ __name((key) => {
      const entry = live.get(key);
      if (entry === void 0) return;
      live.delete(key);
      keep(entry);
      changed();
    }, "remove"),
    items: /* @__PURE__ */ __name(() => {
      items ??= [...[...live.values()].map(({ item }) => item), ...kept.values()];
      return items;
    }, "items"),
    forgetDeleted: /* @__PURE__ */ __name((isWanted) => {
      for (const [key, item] of kept) {
        if (isWanted(item)) continue;
        kept.delete(key);
        changed();
      }
    }, "forgetDeleted"),
    revision: /* @__PURE__ */ __name(() => revision, "revision")
  };
}
__name(createStore, "createStore");

// src/cluster/silence.ts
function guardSilence(clock, limitMs, onSilence) {
  let lastMs = clock.monotonicMs();
  let tripped = false;
  let cancel = /* @__PURE__ */ __name(() => {
  }, "cancel");
  const look2 = /* @__PURE__ */ __name(() => {
    const restMs = lastMs + limitMs - clock.monotonicMs();
    if (restMs > 0) {
      cancel = clock.after(restMs, look2);
      return;
    }
    tripped = true;
    onSilence();
  }, "look");
  cancel = clock.after(limitMs, look2);
  return {
    touch: /* @__PURE__ */ __name(() => {
      lastMs = clock.monotonicMs();
    }, "touch"),
    stop: /* @__PURE__ */ __name(() => cancel(), "stop"),
    tripped: /* @__PURE__ */ __name(() => tripped, "tripped"),
    lastMs: /* @__PURE__ */ __name(() => lastMs, "lastMs")
  };
}
__name(guardSilence, "guardSilence");

// src/cluster/watch.ts
var WATCH_SILENCE_LIMIT_MS = 9e4;
var LEAST_WATCH_SECONDS = 50;
var MORE_WATCH_SECONDS = 30;
var WATCH_LIMIT_MS = 1e5;
async function watchOnce(options, version) {
  const { api, clock, decoder } = options;
  const cut = new AbortController();
  const openedMs = clock.monotonicMs();
  let last = version;
  let eventCount = 0;
  const stop = /* @__PURE__ */ __name((why) => ({
    why,
    version: last,
    eventCount,
    openForMs: clock.monotonicMs() - openedMs
  }), "stop");
  const inOrder2 = /* @__PURE__ */ __name((events) => {
    const wrongAt = events.findIndex((event) => {
      if (event.type === "error") return false;
      const told = event.type === "put" ? event.entry.version : event.version;
      if (isOlder(told, last)) return event.type !== "deleted";
      if (told !== "") last = told;
      return false;
    });
    return wrongAt === -1 ? events : events.slice(0, wrongAt);
  }, "inOrder");
  let response;
  try {
    const signal = AbortSignal.any([options.signal, cut.signal]);
    response = await api.open(watchPath(options.path, version, options.random), { signal, accept: decoder.accept });
  } catch (error2) {
    if (isApiError(error2)) return { why: "refused", error: error2 };
    throw error2;
  }
  options.onOpen();
  const readChunk = decoder.readWatch(options.recall);
  const silence = guardSilence(clock, WATCH_SILENCE_LIMIT_MS, () => cut.abort());
  let isOverdue2 = false;
  const cancelLimit = clock.after(WATCH_LIMIT_MS, () => {
    isOverdue2 = true;
    cut.abort();
  });
  try {
    for await (const chunk of response.body) {
      silence.touch();
      const events = readChunk(chunk);
      const errorAt = events.findIndex(({ type }) => type === "error");
      const told = errorAt === -1 ? events : events.slice(0, errorAt);
      const good = inOrder2(told);
      eventCount += good.filter(({ type }) => type !== "bookmark").length;
      options.onEvents(good);
      if (good.length < told.length) return stop("disordered");
      const error2 = events[errorAt];
      if (error2?.type !== "error") continue;
      const { code, message, retryAfterSeconds } = error2.status;
      const retryAfterMs = retryAfterSeconds === null ? null : retryAfterSeconds * 1e3;
      return { ...stop("error"), code, message, retryAfterMs };
    }
    return stop("closed");
  } catch (error2) {
    if (silence.tripped()) return stop("silent");
    if (isOverdue2) return stop("overdue");
    return error2 instanceof GarbledBody ? stop("garbled") : stop("closed");
  } finally {
    silence.stop();
    cancelLimit();
    cut.abort();
  }
}
__name(watchOnce, "watchOnce");
function watchPath(path2, version, random) {
  const seconds = LEAST_WATCH_SECONDS + Math.floor(random() * MORE_WATCH_SECONDS);
  const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=${seconds}&resourceVersion=${encodeURIComponent(version)}`;
  return `${path2}${path2.includes("?") ? "&" : "?"}${query}`;
}
__name(watchPath, "watchPath");

// src/cluster/watch-end.ts
var SHORT_WATCH_MS = 1e4;
function isUseful(end2) {
  return end2.why !== "refused" && (end2.openForMs >= SHORT_WATCH_MS || end2.eventCount > 0);
}
__name(isUseful, "isUseful");
function wordsFor2(end2) {
  switch (end2.why) {
    case "refused":
      return end2.error.message;
    case "error":
      return `the watch ended with an error: ${end2.code} ${end2.message}`;
    case "garbled":
      return "the watch sent something that is no event";
    case "silent":
      return "the watch was silent for too long";
    case "disordered":
      return "the watch sent an older version of an object after a newer one";
    case "overdue":
      return "the watch did not end when it should";
    case "closed":
      return "the watch was closed";
  }
}
__name(wordsFor2, "wordsFor");

// src/cluster/collection.ts
var POLL_MS = 5e3;
var POLL_GAP_MS = 2e4;
var LEAST_WATCH_MS = 1e3;
var MOST_FRUITLESS_WATCHES = 3;
var WATCH_AGAIN_MS = 6e4;
var SILENT_WATCH_AGAIN_MS = 3e5;
var REFUSED_AGAIN_MS = 3e4;
var REFUSED_RETRY_MS = 5e3;
function createCollection(options) {
  const { api, clock, random, signal, onChange } = options;
  const store = createStore(options.keepDeleted);
  const freshness = createFreshness({
    ...options.timing,
    startedAt: api.now(),
    outageElapsedMs: api.outageElapsedMs
  });
  let pollUntilMs = options.mode === "poll" ? Number.POSITIVE_INFINITY : 0;
  let failedLists = 0;
  let failedWatches = 0;
  let heardAt = api.now();
  let newest2 = "";
  const refreshes = createRefreshWaiters();
  let interruption = new AbortController();
  const { promise: settled, resolve: settle2 } = Promise.withResolvers();
  const giveUp = /* @__PURE__ */ __name(() => {
    refreshes.answer(false);
    settle2();
    onChange();
  }, "giveUp");
  const trouble = /* @__PURE__ */ __name((message, how = "lose") => {
    freshness[how](api.now(), message);
    giveUp();
  }, "trouble");
  const pause = /* @__PURE__ */ __name((ms) => sleep(clock, ms, AbortSignal.any([signal, interruption.signal])), "pause");
  const pollPauseMs = /* @__PURE__ */ __name(() => POLL_MS + random() * POLL_MS, "pollPauseMs");
  const list = /* @__PURE__ */ __name(async () => {
    const asked = refreshes.present();
    let asOf = api.now();
    try {
      const { entries, resourceVersion } = await readList({
        ...options,
        recall: store.recall,
        newest: newest2,
        onTrouble: /* @__PURE__ */ __name(({ message }) => {
          asOf = null;
          trouble(message);
        }, "onTrouble")
      });
      store.replace(entries);
      newest2 = resourceVersion;
      freshness.seen(asOf ?? api.now());
      failedLists = 0;
      refreshes.answer(true, asked);
      settle2();
      onChange();
      return true;
    } catch (error2) {
      if (!isApiError(error2)) throw error2;
      const isForbidden2 = error2.kind === "forbidden";
      const isRefused = isForbidden2 || isRefusedForGood(error2);
      if (error2.kind === "aborted") giveUp();
      else if (isRefused) trouble(error2.message, isForbidden2 ? "forbid" : "refuse");
      else trouble(error2.message);
      if (signal.aborted || api.failure() !== null) return false;
      failedLists += 1;
      if (!isRefused) await pause(backOffMs(failedLists, random));
      else await pause(isRefusedForLong(freshness.state(api.now())) ? REFUSED_AGAIN_MS : REFUSED_RETRY_MS);
      return false;
    }
  }, "list");
  const apply = /* @__PURE__ */ __name((events) => {
    if (events.length > 0) heardAt = api.now();
    const before2 = store.revision();
    for (const event of events) {
      if (event.type === "put") store.put(event.entry);
      else if (event.type === "deleted") store.remove(event.key);
    }
    if (store.revision() !== before2) onChange();
  }, "apply");
  const watch = /* @__PURE__ */ __name(async () => {
    for (; ; ) {
      const askedAt = api.now();
      const end2 = await watchOnce(
        {
          ...options,
          recall: store.recall,
          signal: AbortSignal.any([signal, interruption.signal]),
          onOpen: /* @__PURE__ */ __name(() => {
            heardAt = api.now();
            freshness.seen(heardAt);
            onChange();
          }, "onOpen"),
          onEvents: apply
        },
        newest2
      );
      if (end2.why !== "refused") newest2 = end2.version;
      if (signal.aborted || api.failure() !== null) return;
      if (interruption.signal.aborted) {
        freshness.lose(api.now(), "a newer list is not complete yet");
        return;
      }
      if (isUseful(end2)) failedWatches = 0;
      freshness.lose(seenUntil(end2, askedAt), wordsFor2(end2));
      onChange();
      if (await after(end2) === "list") return;
      if (signal.aborted || interruption.signal.aborted) return;
      if (freshness.lostForMs(api.now()) > options.timing.viewGapMs) return;
      api.countWatchRestart();
    }
  }, "watch");
  const seenUntil = /* @__PURE__ */ __name(({ why }, askedAt) => {
    if (why === "refused") return askedAt;
    return why === "silent" || why === "overdue" ? heardAt : api.now();
  }, "seenUntil");
  const after = /* @__PURE__ */ __name(async (end2) => {
    switch (end2.why) {
      case "refused": {
        const { kind, retryAfterMs } = end2.error;
        if (kind === "expired") return await afterExpiry(end2);
        if (kind === "forbidden" || kind === "not-found" || kind === "invalid") return pollFor(WATCH_AGAIN_MS);
        if (end2.error.reason === "Silent") return pollFor(SILENT_WATCH_AGAIN_MS);
        return await afterFailure2("resume", retryAfterMs);
      }
      case "error": {
        if (end2.code === 410) return await afterExpiry(end2);
        return await afterFailure2([429, 500, 503, 504].includes(end2.code) ? "resume" : "list", end2.retryAfterMs);
      }
      case "garbled":
      case "disordered":
        return await afterFailure2("list");
      case "silent":
      case "overdue":
        return "resume";
      case "closed":
        return await afterClose(end2);
    }
  }, "after");
  const afterExpiry = /* @__PURE__ */ __name((end2) => isUseful(end2) ? Promise.resolve("list") : afterFailure2("list"), "afterExpiry");
  const afterClose = /* @__PURE__ */ __name(async (end2) => {
    if (!isUseful(end2)) return await afterFailure2("resume");
    freshness.allowGap(options.timing.viewGapMs);
    if (end2.openForMs < LEAST_WATCH_MS) await pause(backOffMs(1, random));
    return "resume";
  }, "afterClose");
  const afterFailure2 = /* @__PURE__ */ __name(async (next, retryAfterMs = null) => {
    failedWatches += 1;
    if (failedWatches >= MOST_FRUITLESS_WATCHES) return pollFor(WATCH_AGAIN_MS);
    await pause(retryAfterMs === null ? backOffMs(failedWatches, random) : retryAfterWaitMs(retryAfterMs, random));
    return next;
  }, "afterFailure");
  const pollFor = /* @__PURE__ */ __name((ms) => {
    pollUntilMs = Math.max(pollUntilMs, clock.monotonicMs() + ms);
    return "list";
  }, "pollFor");
  const keepUp = /* @__PURE__ */ __name(async () => {
    while (!signal.aborted && api.failure() === null) {
      interruption = new AbortController();
      if (!await list() || interruption.signal.aborted) continue;
      if (clock.monotonicMs() < pollUntilMs) {
        freshness.allowGap(POLL_GAP_MS);
        freshness.lose(api.now(), "a newer list is not complete yet");
        await pause(pollPauseMs());
      } else {
        if (pollUntilMs > 0) freshness.allowGap(options.timing.viewGapMs);
        pollUntilMs = 0;
        await watch();
      }
    }
  }, "keepUp");
  const run3 = /* @__PURE__ */ __name(async () => {
    try {
      await keepUp();
      const failure = api.failure();
      if (failure === null) giveUp();
      else trouble(failure.message);
    } catch (error2) {
      trouble(`the view ended with an error of its own: ${String(error2)}`);
      throw error2;
    }
  }, "run");
  const ended = run3();
  return {
    items: store.items,
    forgetDeleted: store.forgetDeleted,
    revision: store.revision,
    state: freshness.state,
    gapsClosed: freshness.gapsClosed,
    regainedElapsedMs: freshness.regainedElapsedMs,
    settled: Promise.race([settled, ended]),
    distrust: /* @__PURE__ */ __name((since, message) => {
      freshness.lose(since, message);
      interruption.abort();
    }, "distrust"),
    refresh: /* @__PURE__ */ __name(async (refreshSignal) => {
      if (signal.aborted || refreshSignal.aborted || api.failure() !== null) return false;
      const isFresh2 = refreshes.wait(refreshSignal);
      interruption.abort();
      return await isFresh2;
    }, "refresh")
  };
}
__name(createCollection, "createCollection");
function isRefusedForLong({ kind }) {
  return kind !== "live" && isLasting(kind);
}
__name(isRefusedForLong, "isRefusedForLong");

// src/cluster/line-splitter.ts
var LINE_FEED = 10;
function createLineSplitter(limitBytes) {
  let pieces = [];
  let pendingBytes = 0;
  const keep = /* @__PURE__ */ __name((piece) => {
    pendingBytes += piece.byteLength;
    if (pendingBytes > limitBytes) throw new GarbledBody(`a line of the watch is longer than ${limitBytes} bytes`);
    pieces.push(piece);
  }, "keep");
  const take2 = /* @__PURE__ */ __name(() => {
    const line = Buffer.concat(pieces, pendingBytes).toString("utf8");
    pieces = [];
    pendingBytes = 0;
    return line;
  }, "take");
  return (chunk) => {
    const lines = [];
    let start3 = 0;
    for (let end2 = chunk.indexOf(LINE_FEED); end2 !== -1; end2 = chunk.indexOf(LINE_FEED, start3)) {
      keep(chunk.subarray(start3, end2));
      const line = take2();
      if (line.trim() !== "") lines.push(line);
      start3 = end2 + 1;
    }
    if (start3 < chunk.byteLength) keep(chunk.subarray(start3));
    return lines;
  };
}
__name(createLineSplitter, "createLineSplitter");

// src/cluster/json-decoder.ts
var WATCH_LINE_LIMIT_BYTES = 32 * 1024 * 1024;
var PEEK_BYTES = 4096;
var KIND_LIMIT_BYTES = 100;
var CONTINUE = /"continue":\s*"([^"\\]+)"/;
function createJsonDecoder(listKind, project, now, namespace = null) {
  const wanted = listKind.replace(/List$/, "");
  const identify = /* @__PURE__ */ __name((raw) => {
    refuseStranger(raw, wanted, namespace);
    return identityOf(raw);
  }, "identify");
  const entryOf = /* @__PURE__ */ __name((raw, recall) => {
    const { key, version } = identify(raw);
    return { key, version, item: recall(key, version) ?? project(raw, now()) };
  }, "entryOf");
  return {
    accept: "application/json",
    peekContinue: /* @__PURE__ */ __name((body) => {
      const head2 = body.toString("latin1", 0, PEEK_BYTES);
      const metadata = head2.slice(0, Math.max(0, head2.indexOf('"items"')) || head2.length);
      return CONTINUE.exec(metadata)?.[1] ?? "";
    }, "peekContinue"),
    decodePage: /* @__PURE__ */ __name((body, recall) => {
      const list = parseJson(body);
      if (!isRecord(list) || !isRecord(list.metadata)) throw new GarbledBody("the answer is JSON, but no list");
      if (list.kind !== listKind) {
        const kind = typeof list.kind === "string" ? capText(list.kind, KIND_LIMIT_BYTES) : "thing without a kind";
        throw new GarbledBody(`the answer is a ${kind} and no ${listKind}`);
      }
      const { resourceVersion, continue: continueToken } = list.metadata;
      const items = list.items === null ? [] : list.items;
      if (typeof resourceVersion !== "string" || !Array.isArray(items)) {
        throw new GarbledBody("the answer is a list without version or items");
      }
      return {
        entries: items.map((raw) => entryOf(record(raw), recall)),
        resourceVersion,
        continueToken: typeof continueToken === "string" ? continueToken : ""
      };
    }, "decodePage"),
    readWatch: /* @__PURE__ */ __name((recall) => {
      const linesOf = createLineSplitter(WATCH_LINE_LIMIT_BYTES);
      return (chunk) => linesOf(chunk).flatMap((line) => eventOf(line, identify, (raw) => entryOf(raw, recall)));
    }, "readWatch")
  };
}
__name(createJsonDecoder, "createJsonDecoder");
function refuseStranger({ kind, metadata }, wanted, namespace) {
  if (typeof kind === "string" && kind !== wanted) {
    throw new GarbledBody(`an object is of kind ${capText(kind, KIND_LIMIT_BYTES)} and not ${wanted}`);
  }
  const own = record(metadata).namespace;
  if (namespace !== null && typeof own === "string" && own !== namespace) {
    throw new GarbledBody(`an object is of namespace ${capText(own, KIND_LIMIT_BYTES)}, which was not asked for`);
  }
}
__name(refuseStranger, "refuseStranger");
function eventOf(line, identify, entryOf) {
  const event = parseLine(line);
  if (!isRecord(event) || typeof event.type !== "string" || !isRecord(event.object)) {
    throw new GarbledBody("a line of the watch is no event");
  }
  const { type, object } = event;
  switch (type) {
    case "ADDED":
    case "MODIFIED":
      return [{ type: "put", entry: entryOf(object) }];
    case "DELETED":
      return [{ type: "deleted", ...identify(object) }];
    case "BOOKMARK":
      return [{ type: "bookmark", version: identify(object).version }];
    case "ERROR":
      return [{ type: "error", status: statusOf(object) }];
    default:
      return [];
  }
}
__name(eventOf, "eventOf");
function parseLine(line) {
  try {
    return parseText(line);
  } catch (cause) {
    throw new GarbledBody("a line of the watch is not JSON", { cause });
  }
}
__name(parseLine, "parseLine");
function identityOf(raw) {
  const { uid, namespace, name, resourceVersion } = record(raw.metadata);
  const key = typeof uid === "string" && uid !== "" ? uid : `${String(namespace ?? "")}/${String(name ?? "")}`;
  return { key, version: typeof resourceVersion === "string" ? resourceVersion : "" };
}
__name(identityOf, "identityOf");

// src/cluster/resource-view.ts
var MANY_NAMESPACES = 5;
var GROUPS = {
  pods: "/api/v1",
  events: "/api/v1",
  nodes: "/api/v1",
  namespaces: "/api/v1",
  deployments: "/apis/apps/v1",
  statefulsets: "/apis/apps/v1",
  daemonsets: "/apis/apps/v1",
  jobs: "/apis/batch/v1"
};
var LIST_KINDS = {
  pods: "PodList",
  events: "EventList",
  nodes: "NodeList",
  namespaces: "NamespaceList",
  deployments: "DeploymentList",
  statefulsets: "StatefulSetList",
  daemonsets: "DaemonSetList",
  jobs: "JobList"
};
function createResourceView(context, options) {
  const { resource, namespaces } = options;
  const end2 = new AbortController();
  let switches = 0;
  const partOf = /* @__PURE__ */ __name((namespace, mode) => {
    const partEnd = new AbortController();
    const signal = AbortSignal.any([end2.signal, partEnd.signal]);
    const collection = createCollection({
      ...context,
      signal: AbortSignal.any([context.signal, signal]),
      path: pathOf4(options, namespace),
      decoder: createJsonDecoder(LIST_KINDS[resource], options.project, () => context.api.now().atMs, namespace),
      mode,
      ...options.keepDeleted === void 0 ? {} : { keepDeleted: options.keepDeleted }
    });
    context.onDistrust(collection.distrust, signal);
    return { namespace, collection, end: partEnd };
  }, "partOf");
  const isMany = namespaces.length >= MANY_NAMESPACES;
  const isWide = namespaces.length === 0 || isMany;
  let parts = isWide ? [partOf(null, "watch")] : namespaces.map((namespace) => partOf(namespace, "watch"));
  const settle2 = /* @__PURE__ */ __name(async () => {
    await Promise.all(parts.map(({ collection }) => collection.settled));
    const [wide] = parts;
    const isForbidden2 = wide?.collection.state(context.api.now()).kind === "forbidden";
    if (!isMany || wide === void 0 || !isForbidden2 || end2.signal.aborted) return;
    wide.end.abort();
    switches += 1;
    parts = namespaces.map((namespace) => partOf(namespace, "poll"));
    await Promise.all(parts.map(({ collection }) => collection.settled));
  }, "settle");
  const merged = memo();
  return {
    items: /* @__PURE__ */ __name(() => {
      const [only] = parts;
      if (only !== void 0 && parts.length === 1) return only.collection.items();
      return merged(revisionsOf(parts), () => parts.flatMap(({ collection }) => collection.items()));
    }, "items"),
    // Each switch begins the count of changes anew; no collection ever counts so far.
    revision: /* @__PURE__ */ __name(() => switches * 2 ** 40 + parts.reduce((sum, { collection }) => sum + collection.revision(), 0), "revision"),
    forgetDeleted: /* @__PURE__ */ __name((isWanted) => {
      for (const { collection } of parts) collection.forgetDeleted(isWanted);
    }, "forgetDeleted"),
    gaps: /* @__PURE__ */ __name((now) => parts.flatMap(({ namespace, collection }) => gapOf(resource, namespace, collection.state(now))), "gaps"),
    freshAtMs: /* @__PURE__ */ __name((now) => {
      const times = parts.map(({ collection }) => freshAtMsOf(collection.state(now)));
      return times.includes(null) ? null : Math.min(...times.map((time) => time ?? 0));
    }, "freshAtMs"),
    gapsClosed: /* @__PURE__ */ __name(() => parts.reduce((sum, { collection }) => sum + collection.gapsClosed(), 0), "gapsClosed"),
    regainedElapsedMs: /* @__PURE__ */ __name(() => {
      const times = parts.map(({ collection }) => collection.regainedElapsedMs()).filter((time) => time !== null);
      return times.length === 0 ? null : Math.max(...times);
    }, "regainedElapsedMs"),
    sees: /* @__PURE__ */ __name((namespace, now) => parts.some(
      (part) => (part.namespace === null || part.namespace === namespace) && part.collection.state(now).kind === "live"
    ), "sees"),
    isClusterWide: /* @__PURE__ */ __name(() => parts.length === 1 && parts[0]?.namespace === null, "isClusterWide"),
    settled: settle2(),
    refresh: /* @__PURE__ */ __name(async (signal) => {
      const refreshed = await Promise.all(parts.map(({ collection }) => collection.refresh(signal)));
      return refreshed.every((isFresh2) => isFresh2);
    }, "refresh"),
    close: /* @__PURE__ */ __name(() => end2.abort(), "close")
  };
}
__name(createResourceView, "createResourceView");
async function refreshReadable(views, signal, now) {
  const refreshed = await Promise.all(
    views.map(async (view) => await view.refresh(signal) || view.gaps(now()).some(({ why }) => isLasting(why)))
  );
  return refreshed.every((isFresh2) => isFresh2);
}
__name(refreshReadable, "refreshReadable");
function pathOf4(options, namespace) {
  const { resource, labelSelector = "", fieldSelector = "" } = options;
  const scope2 = namespace === null ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  const query = [
    labelSelector === "" ? "" : `labelSelector=${encodeURIComponent(labelSelector)}`,
    fieldSelector === "" ? "" : `fieldSelector=${encodeURIComponent(fieldSelector)}`
  ].filter((part) => part !== "");
  const path2 = `${GROUPS[resource]}${scope2}/${resource}`;
  return query.length === 0 ? path2 : `${path2}?${query.join("&")}`;
}
__name(pathOf4, "pathOf");
function gapOf(resource, namespace, state) {
  if (state.kind === "live") return [];
  const { kind, sinceMs, message } = state;
  return [{ resource, namespace, why: kind, sinceMs, message }];
}
__name(gapOf, "gapOf");
function freshAtMsOf(state) {
  switch (state.kind) {
    case "live":
      return state.freshAtMs;
    case "stale":
      return state.sinceMs;
    case "forbidden":
    case "refused":
      return state.wasRead ? state.sinceMs : null;
    case "never-read":
      return null;
  }
}
__name(freshAtMsOf, "freshAtMsOf");
function revisionsOf(parts) {
  return parts.map(({ collection }) => collection.revision());
}
__name(revisionsOf, "revisionsOf");
function memo() {
  let last = null;
  return (inputs, compute) => {
    if (last?.inputs.length === inputs.length && last.inputs.every((input, index) => Object.is(input, inputs[index]))) {
      return last.value;
    }
    last = { inputs, value: compute() };
    return last.value;
  };
}
__name(memo, "memo");

// src/cluster/calico-view.ts
var USUAL_NAMESPACES2 = ["calico-system", "kube-system"];
function createCalicoView(context, options) {
  const { daemonSets: scoped, pods: scopedPods, allPods, calicoNamespace } = options;
  const daemonSetsOf = /* @__PURE__ */ __name((where2) => createResourceView(context, { resource: "daemonsets", project: projectDaemonSet, namespaces: where2 }), "daemonSetsOf");
  let everywhere = null;
  let fallback = null;
  const search = /* @__PURE__ */ __name(async () => {
    await scoped.settled;
    everywhere = scoped.isClusterWide() ? scoped : daemonSetsOf([]);
    await everywhere.settled;
    if (!everywhere.gaps(context.api.now()).some(({ why }) => why === "forbidden")) return;
    fallback = daemonSetsOf(calicoNamespace === null ? USUAL_NAMESPACES2 : [calicoNamespace]);
    await fallback.settled;
  }, "search");
  const isRead = /* @__PURE__ */ __name((view, now) => view !== null && view.freshAtMs(now) !== null && !view.gaps(now).some(({ why }) => why === "forbidden"), "isRead");
  let podViews = /* @__PURE__ */ new Map();
  let namespaces = [];
  const mergedSets = memo();
  const mergedPods = memo();
  return {
    daemonSets: /* @__PURE__ */ __name(() => {
      const views = [.../* @__PURE__ */ new Set([everywhere, fallback, scoped])].filter((view) => view !== null);
      return mergedSets(
        views.flatMap((view) => [view, view.revision()]),
        () => uniqueByUid(views.flatMap((view) => view.items()))
      );
    }, "daemonSets"),
    searched: /* @__PURE__ */ __name((now) => isRead(everywhere, now) || calicoNamespace !== null && isRead(fallback, now), "searched"),
    pods: /* @__PURE__ */ __name(() => {
      const views = [...podViews.values()];
      const inputs = [namespaces, scopedPods.revision(), ...views.map((view) => view.revision())];
      return mergedPods(inputs, () => {
        const wanted = new Set(namespaces);
        const known = allPods ? scopedPods.items().filter(({ namespace }) => wanted.has(namespace)) : [];
        return uniqueByUid([...known, ...views.flatMap((view) => view.items())]);
      });
    }, "pods"),
    podNamespaces: /* @__PURE__ */ __name(() => namespaces, "podNamespaces"),
    podGaps: /* @__PURE__ */ __name((now) => namespaces.flatMap(
      (namespace) => (podViews.get(namespace) ?? scopedPods).gaps(now).filter((gap) => gap.namespace === null || gap.namespace === namespace).map((gap) => ({ ...gap, namespace }))
    ), "podGaps"),
    watch: /* @__PURE__ */ __name((wanted) => {
      if (wanted.length === namespaces.length && wanted.every((name) => namespaces.includes(name))) return;
      namespaces = [...wanted];
      const now = context.api.now();
      const next = /* @__PURE__ */ new Map();
      for (const namespace of namespaces) {
        const known = podViews.get(namespace);
        if (known !== void 0) next.set(namespace, known);
        else if (!allPods || !scopedPods.sees(namespace, now)) {
          const view = createResourceView(context, { resource: "pods", project: projectPod, namespaces: [namespace] });
          next.set(namespace, view);
        }
      }
      for (const [namespace, view] of podViews) if (!next.has(namespace)) view.close();
      podViews = next;
      context.onChange();
    }, "watch"),
    settled: search(),
    refresh: /* @__PURE__ */ __name((signal) => {
      const views = [.../* @__PURE__ */ new Set([everywhere, fallback, scoped])].filter((view) => view !== null);
      return refreshReadable([...views, ...podViews.values()], signal, context.api.now);
    }, "refresh")
  };
}
__name(createCalicoView, "createCalicoView");
function uniqueByUid(objects) {
  return [...new Map(objects.map((object) => [object.uid, object])).values()];
}
__name(uniqueByUid, "uniqueByUid");

// src/cluster/coverage.ts
function coverageOf(readings, unanswered, now, pods) {
  const needed = readings.filter(({ isNeeded }) => isNeeded).map(({ view }) => view);
  const times = needed.map((view) => view.freshAtMs(now));
  return {
    gaps: [...uniqueGaps(readings.flatMap(({ view }) => view.gaps(now))), ...unanswered],
    complete: unanswered.length === 0 && needed.every((view) => view.gaps(now).length === 0),
    freshAtMs: times.reduce(
      (oldest, time) => oldest === null || time === null ? null : Math.min(oldest, time),
      now.atMs
    ),
    reconnections: needed.reduce((sum, view) => sum + view.gapsClosed(), 0),
    podsRegainedElapsedMs: pods.regainedElapsedMs()
  };
}
__name(coverageOf, "coverageOf");
function uniqueGaps(gaps) {
  const keyOf5 = /* @__PURE__ */ __name(({ resource, namespace, why }) => `${why} ${resource} ${namespace ?? ""}`, "keyOf");
  return [...new Map(gaps.toReversed().map((gap) => [keyOf5(gap), gap])).values()].reverse();
}
__name(uniqueGaps, "uniqueGaps");

// src/cluster/namespace-presence.ts
var MISSING_AGAIN_MS = 5e3;
var OTHERWISE_AGAIN_MS = 6e4;
function createPresence(context, names) {
  const { api, clock, random, signal, onChange } = context;
  const known = new Map(names.map((name) => [name, "exists"]));
  const sinceMs = api.now().atMs;
  const unanswered = new Map(names.map((name) => [name, "no answer yet"]));
  let list = null;
  const learn = /* @__PURE__ */ __name((name, presence) => {
    if (!unanswered.delete(name) && known.get(name) === presence) return;
    known.set(name, presence);
    list = null;
    onChange();
  }, "learn");
  const ask = /* @__PURE__ */ __name(async (name, askSignal) => {
    try {
      await api.getJson(`/api/v1/namespaces/${encodeURIComponent(name)}`, { signal: askSignal, tries: 1 });
      learn(name, "exists");
      return true;
    } catch (error2) {
      if (!isApiError(error2)) throw error2;
      if (error2.kind === "not-found") learn(name, "missing");
      if (error2.kind === "forbidden") learn(name, "unknown");
      if (unanswered.has(name) && error2.kind !== "aborted") unanswered.set(name, error2.message);
      return error2.kind === "not-found" || error2.kind === "forbidden";
    }
  }, "ask");
  const keepAsking = /* @__PURE__ */ __name(async (name, onFirst) => {
    let failures = 0;
    while (!signal.aborted && api.failure() === null) {
      failures = await ask(name, signal) ? 0 : failures + 1;
      onFirst();
      const answeredAgainMs = known.get(name) === "missing" ? MISSING_AGAIN_MS : OTHERWISE_AGAIN_MS;
      await sleep(clock, failures === 0 ? answeredAgainMs : backOffMs(failures, random), signal);
    }
    onFirst();
  }, "keepAsking");
  return {
    namespaces: /* @__PURE__ */ __name(() => {
      list ??= [...known].map(([namespace, presence]) => ({ namespace, presence }));
      return list;
    }, "namespaces"),
    gaps: /* @__PURE__ */ __name(() => [...unanswered].map(([namespace, message]) => {
      return { resource: "namespaces", namespace, why: "never-read", sinceMs, message };
    }), "gaps"),
    settled: Promise.all(names.map((name) => new Promise((resolve) => void keepAsking(name, resolve)))).then(
      () => void 0
    ),
    refresh: /* @__PURE__ */ __name(async (refreshSignal) => {
      const answered = await Promise.all(names.map((name) => ask(name, refreshSignal)));
      return answered.every((isAnswered) => isAnswered);
    }, "refresh")
  };
}
__name(createPresence, "createPresence");

// src/cluster/projection/event.ts
var EVENT_MESSAGE_LIMIT_BYTES = TEXT_LIMIT_BYTES;
var SANDBOX_MESSAGE_LIMIT_BYTES = 32 * 1024;
var SANDBOX_REASONS = /* @__PURE__ */ new Set(["FailedCreatePodSandBox", "FailedKillPod"]);
var KEPT_REASONS = /* @__PURE__ */ new Set([
  // Kubelet: sandbox.
  "FailedCreatePodSandBox",
  "FailedKillPod",
  "SandboxChanged",
  "FailedPodSandBoxStatus",
  "NetworkNotReady",
  // Kubelet and attach-detach controller: volumes.
  "FailedMount",
  "FailedAttachVolume",
  "FailedMapVolume",
  // Kubelet: images, containers, probes, hooks.
  "Failed",
  "BackOff",
  "InspectFailed",
  "ErrImageNeverPull",
  "FailedToRetrieveImagePullSecret",
  "Unhealthy",
  "ProbeWarning",
  "FailedPreStopHook",
  "FailedPostStartHook",
  "FailedSync",
  "ExceededGracePeriod",
  // Scheduler and autoscalers.
  "FailedScheduling",
  "TriggeredScaleUp",
  "NotTriggerScaleUp",
  "Nominated",
  "Preempted",
  // Node life cycle, eviction.
  "NodeNotReady",
  "TaintManagerEviction",
  "Evicted",
  // Controllers that may not create pods (quota, admission).
  "FailedCreate",
  "FailedDaemonPod"
]);
var USUAL_REASONS = [
  "Scheduled",
  "Pulling",
  "Pulled",
  "Created",
  "Started",
  "Killing",
  "SuccessfulAttachVolume",
  "AddedInterface"
];
var POD_EVENTS_FIELD_SELECTOR = [
  "involvedObject.kind=Pod",
  ...USUAL_REASONS.map((reason) => `reason!=${reason}`)
].join(",");
var CREATE_EVENTS_FIELD_SELECTOR = "involvedObject.kind!=Pod,reason=FailedCreate";
var projectEvent = /* @__PURE__ */ __name((raw, atMs) => {
  const reason = word(raw.reason);
  if (!KEPT_REASONS.has(reason)) return null;
  const metadata = record(raw.metadata);
  const about = record(raw.involvedObject);
  const source = record(raw.source);
  const series = record(raw.series);
  return {
    namespace: word(metadata.namespace),
    name: text(metadata.name),
    uid: text(metadata.uid),
    createdAtMs: timeMs(metadata.creationTimestamp) ?? 0,
    about: { kind: word(about.kind), namespace: word(about.namespace), name: word(about.name), uid: word(about.uid) },
    type: word(raw.type),
    reason,
    message: text(raw.message, SANDBOX_REASONS.has(reason) ? SANDBOX_MESSAGE_LIMIT_BYTES : EVENT_MESSAGE_LIMIT_BYTES),
    component: word(source.component),
    host: word(source.host),
    reportingComponent: word(raw.reportingComponent),
    // Recorders of events.k8s.io count in the series, and not at all the first time.
    count: numberOr(raw.count, 0) || numberOr(series.count, 0) || 1,
    firstAtMs: timeMs(raw.firstTimestamp),
    lastAtMs: timeMs(raw.lastTimestamp),
    eventAtMs: timeMs(raw.eventTime),
    seriesAtMs: timeMs(series.lastObservedTime),
    seenAtMs: atMs
  };
}, "projectEvent");

// src/cluster/projection/node.ts
var projectNode = /* @__PURE__ */ __name((raw) => {
  const metadata = record(raw.metadata);
  return {
    name: word(metadata.name),
    uid: text(metadata.uid),
    createdAtMs: timeMs(metadata.creationTimestamp) ?? 0,
    deletionAtMs: timeMs(metadata.deletionTimestamp),
    unschedulable: record(raw.spec).unschedulable === true,
    conditions: projectConditions(record(raw.status).conditions)
  };
}, "projectNode");

// src/cluster/witnesses.ts
function createWitnesses(context, options) {
  const { scopedPods, holdsAll, isInScope } = options;
  let nodes = /* @__PURE__ */ new Set();
  let views = /* @__PURE__ */ new Map();
  const merged = memo();
  return {
    pods: /* @__PURE__ */ __name(() => {
      if (nodes.size === 0) return NONE3;
      const own = [...views.values()];
      return merged([nodes, scopedPods.revision(), ...own.map((view) => view.revision())], () => {
        const inScope2 = /* @__PURE__ */ new Set();
        const found = /* @__PURE__ */ new Map();
        for (const pod of scopedPods.items()) {
          if (isInScope(pod)) inScope2.add(pod.uid);
          else if (pod.nodeName !== null && nodes.has(pod.nodeName)) found.set(pod.uid, pod);
        }
        for (const pod of own.flatMap((view) => view.items())) if (!inScope2.has(pod.uid)) found.set(pod.uid, pod);
        return [...found.values()];
      });
    }, "pods"),
    watch: /* @__PURE__ */ __name((wanted) => {
      if (wanted.length === nodes.size && wanted.every((node) => nodes.has(node))) return;
      nodes = new Set(wanted);
      const next = /* @__PURE__ */ new Map();
      for (const node of holdsAll() ? [] : nodes) next.set(node, views.get(node) ?? viewOf(node));
      for (const [node, view] of views) if (!next.has(node)) view.close();
      views = next;
      context.onChange();
    }, "watch")
  };
  function viewOf(node) {
    const fieldSelector = `spec.nodeName=${node}`;
    return createResourceView(context, { resource: "pods", project: projectPod, namespaces: [], fieldSelector });
  }
  __name(viewOf, "viewOf");
}
__name(createWitnesses, "createWitnesses");
var NONE3 = Object.freeze([]);

// src/cluster/picture.ts
function createPicture(context, scope2) {
  const { namespaces } = scope2;
  const viewOf = /* @__PURE__ */ __name((resource, project) => createResourceView(context, { resource, project, namespaces }), "viewOf");
  const eventsOf = /* @__PURE__ */ __name((fieldSelector) => createResourceView(context, {
    resource: "events",
    project: projectEvent,
    namespaces,
    fieldSelector,
    // They stay evidence for their pod after their life in the cluster ends.
    keepDeleted: /* @__PURE__ */ __name(() => true, "keepDeleted")
  }), "eventsOf");
  const pods = createResourceView(context, {
    resource: "pods",
    project: projectPod,
    namespaces,
    labelSelector: scope2.selector === null ? "" : scope2.selectorText
  });
  const deployments = viewOf("deployments", projectDeployment);
  const statefulSets = viewOf("statefulsets", projectStatefulSet);
  const daemonSets = viewOf("daemonsets", projectDaemonSet);
  const jobs = viewOf("jobs", projectJob);
  const workloads2 = [deployments, statefulSets, daemonSets, jobs];
  const events = [eventsOf(POD_EVENTS_FIELD_SELECTOR), eventsOf(CREATE_EVENTS_FIELD_SELECTOR)];
  const nodes = createResourceView(context, { resource: "nodes", project: projectNode, namespaces: [] });
  const needed = [pods, ...workloads2];
  const readings = [
    ...needed.map((view) => ({ view, isNeeded: true })),
    ...[...events, nodes].map((view) => ({ view, isNeeded: false }))
  ];
  const presence = createPresence(context, namespaces);
  const allPods = scope2.selector === null;
  const calico2 = createCalicoView(context, { daemonSets, pods, allPods, calicoNamespace: scope2.calicoNamespace });
  const isInScope = inScope(scope2);
  const witnesses = createWitnesses(context, {
    scopedPods: pods,
    holdsAll: /* @__PURE__ */ __name(() => allPods && pods.isClusterWide(), "holdsAll"),
    isInScope
  });
  const podsInScope = memo();
  const workloadsInScope2 = memo();
  const eventsInScope = memo();
  const namespacesInScope = memo();
  const snapshot = /* @__PURE__ */ __name((now) => {
    const podList = podsInScope([pods.revision()], () => pods.items().filter(isInScope));
    const workloadList = workloadsInScope2(
      revisionsOf2(workloads2),
      () => workloads2.flatMap((view) => view.items()).filter(isInScope)
    );
    const eventList = eventsInScope([podList, ...revisionsOf2(events)], () => {
      const uids = new Set(podList.map(({ uid }) => uid));
      const isWanted = /* @__PURE__ */ __name(({ about }) => about.kind !== "Pod" || uids.has(about.uid), "isWanted");
      return events.flatMap((view) => {
        view.forgetDeleted(isWanted);
        return view.items().filter(isInScope);
      });
    });
    const known = presence.namespaces();
    const namespaceList = namespacesInScope(
      [known, podList, workloadList],
      () => withEvidence(known, [...podList, ...workloadList])
    );
    return {
      pods: podList,
      workloads: workloadList,
      events: eventList,
      nodes: isForbidden(nodes, now) ? null : nodes.items(),
      namespaces: namespaceList,
      calico: {
        daemonSets: calico2.daemonSets(),
        searched: calico2.searched(now),
        pods: calico2.pods(),
        podNamespaces: calico2.podNamespaces(),
        podGaps: calico2.podGaps(now)
      },
      witnesses: witnesses.pods(),
      coverage: coverageOf(readings, presence.gaps(), now, pods)
    };
  }, "snapshot");
  const neededParts = [...needed, presence];
  const parts = [...readings.map(({ view }) => view), calico2, presence];
  return {
    snapshot,
    calico: calico2,
    witnesses,
    presence,
    needed,
    events,
    refreshForRestart: /* @__PURE__ */ __name(async (signal) => {
      const scoped = refreshReadable([pods, ...events], signal, context.api.now);
      const refreshed = await Promise.all([scoped, calico2.refresh(signal)]);
      return refreshed.every((isFresh2) => isFresh2);
    }, "refreshForRestart"),
    neededSettled: allSettled(neededParts),
    settled: allSettled(parts)
  };
}
__name(createPicture, "createPicture");
function allSettled(parts) {
  return Promise.all(parts.map(({ settled }) => settled)).then(() => void 0);
}
__name(allSettled, "allSettled");
function inScope(scope2) {
  const wanted = new Set(scope2.namespaces);
  const excluded = new Set(scope2.excludeNamespaces);
  return ({ namespace }) => (wanted.size === 0 || wanted.has(namespace)) && !excluded.has(namespace);
}
__name(inScope, "inScope");
function isForbidden(view, now) {
  return view.gaps(now).some(({ why }) => why === "forbidden");
}
__name(isForbidden, "isForbidden");
function revisionsOf2(views) {
  return views.map((view) => view.revision());
}
__name(revisionsOf2, "revisionsOf");
function withEvidence(known, objects) {
  if (known.every(({ presence }) => presence !== "unknown")) return known;
  const inhabited = new Set(objects.map(({ namespace }) => namespace));
  return known.map(
    (entry) => entry.presence === "unknown" && inhabited.has(entry.namespace) ? { ...entry, presence: "exists" } : entry
  );
}
__name(withEvidence, "withEvidence");

// src/cluster/snapshot.ts
var EXPLANATION_MS = 2e3;
function createView(options) {
  const { api, settings } = options;
  const end2 = new AbortController();
  const signal = AbortSignal.any([options.signal, end2.signal]);
  const changes = createChanges(signal);
  const parts = /* @__PURE__ */ new Set();
  const context = {
    ...options,
    onDistrust: /* @__PURE__ */ __name((distrust, partSignal) => {
      parts.add(distrust);
      partSignal.addEventListener("abort", () => parts.delete(distrust), { once: true });
    }, "onDistrust"),
    random: options.random ?? Math.random,
    signal,
    onChange: changes.tell
  };
  let begun = null;
  const picture = /* @__PURE__ */ __name(() => {
    begun ??= createPicture(context, settings);
    return begun;
  }, "picture");
  return {
    start: /* @__PURE__ */ __name(async () => {
      await Promise.race([picture().neededSettled, aborted2(signal)]);
      await Promise.race([picture().settled, sleep(options.clock, EXPLANATION_MS, signal)]);
    }, "start"),
    snapshot: /* @__PURE__ */ __name(() => {
      changes.seen();
      return picture().snapshot(api.now());
    }, "snapshot"),
    refresh: /* @__PURE__ */ __name(async (refreshSignal, withEvents) => {
      const { needed, presence, events } = picture();
      const explained2 = withEvents ? refreshReadable(events, refreshSignal, api.now) : null;
      const refreshed = await Promise.all([...needed, presence].map((part) => part.refresh(refreshSignal)));
      await explained2;
      return refreshed.every((isFresh2) => isFresh2);
    }, "refresh"),
    refreshForRestart: /* @__PURE__ */ __name((refreshSignal) => picture().refreshForRestart(refreshSignal), "refreshForRestart"),
    watchNodes: /* @__PURE__ */ __name((nodes) => picture().witnesses.watch(nodes), "watchNodes"),
    watchCalico: /* @__PURE__ */ __name((namespaces) => picture().calico.watch(namespaces), "watchCalico"),
    changed: changes.next,
    distrust: /* @__PURE__ */ __name((since, message) => {
      for (const distrust of parts) distrust(since, message);
      changes.tell();
    }, "distrust"),
    failure: api.failure,
    close: /* @__PURE__ */ __name(() => end2.abort(), "close")
  };
}
__name(createView, "createView");
function createChanges(signal) {
  let hasChanged = true;
  let wake = /* @__PURE__ */ __name(() => {
  }, "wake");
  let change = null;
  const tell = /* @__PURE__ */ __name(() => {
    hasChanged = true;
    change = null;
    wake();
  }, "tell");
  signal.addEventListener("abort", tell, { once: true });
  return {
    tell,
    seen: /* @__PURE__ */ __name(() => {
      hasChanged = false;
    }, "seen"),
    next: /* @__PURE__ */ __name(() => {
      if (hasChanged || signal.aborted) return Promise.resolve();
      change ??= new Promise((resolve) => {
        wake = resolve;
      });
      return change;
    }, "next")
  };
}
__name(createChanges, "createChanges");
function aborted2(signal) {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
__name(aborted2, "aborted");

// src/cluster/first-contact.ts
var FIRST_CONTACT_PATIENCE_MS = 3e4;
var LONGEST_FIRST_WAIT_MS = 5e3;
function createFirstContact(clock, onTrouble) {
  let isMade = false;
  let troubleSinceMs = null;
  const mayStillComeUp = /* @__PURE__ */ __name((error2) => {
    if (isMade) return true;
    if (troubleSinceMs === null) {
      troubleSinceMs = clock.monotonicMs();
      onTrouble(error2);
    }
    return clock.monotonicMs() - troubleSinceMs < FIRST_CONTACT_PATIENCE_MS;
  }, "mayStillComeUp");
  return {
    made: /* @__PURE__ */ __name(() => {
      isMade = true;
    }, "made"),
    longestWaitMs: /* @__PURE__ */ __name(() => {
      if (isMade || troubleSinceMs === null) return Number.POSITIVE_INFINITY;
      const restMs = troubleSinceMs + FIRST_CONTACT_PATIENCE_MS - clock.monotonicMs();
      return Math.min(LONGEST_FIRST_WAIT_MS, Math.max(0, restMs));
    }, "longestWaitMs"),
    judge: /* @__PURE__ */ __name((error2) => {
      switch (error2.kind) {
        case "too-many-requests":
        case "server-error":
          return "repeat";
        case "unreachable":
          return mayStillComeUp(error2) ? "repeat" : "final";
        case "certificate":
        case "redirect":
        case "not-kubernetes":
        case "credentials":
          return isMade ? "repeat" : "final";
        case "unauthorized":
          return "final";
        case "forbidden":
        case "not-found":
        case "conflict":
        case "expired":
        case "invalid":
        case "aborted":
          return "up";
      }
    }, "judge")
  };
}
__name(createFirstContact, "createFirstContact");

// src/cluster/recovery.ts
var OUTAGE_FAILURES = 2;
function createRecovery(now) {
  let isAway = false;
  let recovery = new AbortController();
  let failures = 0;
  let outageElapsedMs = null;
  const countFailure = /* @__PURE__ */ __name((error2) => {
    if (error2?.kind === "aborted" || error2?.verb === "create" || error2?.verb === "delete") return;
    failures = error2?.kind === "unreachable" || error2?.kind === "server-error" ? failures + 1 : 0;
    if (failures >= OUTAGE_FAILURES) outageElapsedMs = now().elapsedMs;
  }, "countFailure");
  return {
    observe: /* @__PURE__ */ __name((error2) => {
      const kind = error2?.kind ?? null;
      countFailure(error2);
      if (kind === "unreachable") isAway = true;
      if (!isAway || kind === "unreachable" || kind === "server-error" || kind === "aborted") return;
      isAway = false;
      recovery.abort();
      recovery = new AbortController();
    }, "observe"),
    signal: /* @__PURE__ */ __name(() => recovery.signal, "signal"),
    outageElapsedMs: /* @__PURE__ */ __name(() => outageElapsedMs, "outageElapsedMs")
  };
}
__name(createRecovery, "createRecovery");

// src/cluster/credential-renewal.ts
function createCredentialRenewal(renewCredentials) {
  let generation = 0;
  let renewal = null;
  const renewNow = /* @__PURE__ */ __name(async () => {
    try {
      await renewCredentials();
      generation += 1;
    } catch (cause) {
      if (isConnectError(cause)) throw cause;
      throw new ConnectError("credentials could not be obtained anew", { reason: "CredentialsFailed", cause });
    } finally {
      renewal = null;
    }
  }, "renewNow");
  return {
    generation: /* @__PURE__ */ __name(() => generation, "generation"),
    renew: /* @__PURE__ */ __name(async (refusedGeneration) => {
      if (refusedGeneration !== generation) return;
      renewal ??= renewNow();
      await renewal;
    }, "renew")
  };
}
__name(createCredentialRenewal, "createCredentialRenewal");

// src/cluster/unless-aborted.ts
function unlessAborted(work, signal) {
  return new Promise((resolve, reject) => {
    const onAbort = /* @__PURE__ */ __name(() => reject(new Error("the run ended", { cause: signal.reason })), "onAbort");
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
__name(unlessAborted, "unlessAborted");

// src/cluster/request.ts
var SILENCE_LIMIT_MS = 3e4;
var ANSWER_LIMIT_MS = 12e4;
function createRequester(options) {
  const { transport, clock, serverClock, hide = /* @__PURE__ */ __name((text3) => text3, "hide"), onExchange, onBytes, onStatus } = options;
  const credentials = createCredentialRenewal(options.renewCredentials);
  let takenGeneration = 0;
  const exchange2 = /* @__PURE__ */ __name(async (request, isRepeated) => {
    const sentMs = clock.monotonicMs();
    onExchange(isRepeated);
    const response = await transport(request);
    serverClock.observe(response.headers.date, sentMs, clock.monotonicMs());
    return response;
  }, "exchange");
  const accepted = /* @__PURE__ */ __name(async (target, request) => {
    const generation = credentials.generation();
    let response = await exchange2(request, false);
    if (response.status === 401) {
      await readRefusal(response, onBytes);
      await unlessAborted(credentials.renew(generation), request.signal);
      if (request.method === "DELETE") throw renewed(target);
      response = await exchange2(request, true);
      if (response.status !== 401 && takenGeneration < credentials.generation()) {
        takenGeneration = credentials.generation();
        options.onRenewed?.();
      }
    }
    if (response.status >= 200 && response.status < 300) return response;
    const refusal2 = await readRefusal(response, onBytes);
    if (!refusal2.isStatus && response.status < 500 && response.status !== 401 && isHtml(response))
      throw notKubernetes(target, response);
    const error2 = refused(target, response, { ...refusal2, message: hide(refusal2.message) }, serverClock.now().atMs);
    if (refusal2.isStatus && error2.kind !== "redirect" && error2.kind !== "not-kubernetes") onStatus();
    throw error2;
  }, "accepted");
  return async (target, request, consume) => {
    const { signal } = request;
    if (signal.aborted) throw aborted(target);
    const cut = new AbortController();
    const silence = guardSilence(clock, SILENCE_LIMIT_MS, () => cut.abort());
    let isEndless = false;
    const cancelLimit = clock.after(ANSWER_LIMIT_MS, () => {
      isEndless = true;
      cut.abort();
    });
    try {
      const response = await accepted(target, { ...request, signal: AbortSignal.any([signal, cut.signal]) });
      return await consume(response, (bytes) => {
        silence.touch();
        onBytes(bytes);
      });
    } catch (error2) {
      cut.abort();
      if (signal.aborted) throw aborted(target);
      if (silence.tripped()) throw silent(target, SILENCE_LIMIT_MS);
      if (isEndless) throw unfinished(target, ANSWER_LIMIT_MS);
      throw explained(target, error2);
    } finally {
      silence.stop();
      cancelLimit();
    }
  };
}
__name(createRequester, "createRequester");
function explained(target, error2) {
  if (isApiError(error2)) return error2;
  return error2 instanceof GarbledBody ? garbled(target, error2) : notAnswered(target, error2);
}
__name(explained, "explained");

// src/cluster/request-slots.ts
function createRequestSlots(clock, limit) {
  const waiting = [];
  let taken = 0;
  let heldUntilMs = 0;
  const release = /* @__PURE__ */ __name(() => {
    const next = waiting.shift();
    if (next === void 0) taken -= 1;
    else next();
  }, "release");
  const turn = /* @__PURE__ */ __name(() => {
    if (taken < limit) {
      taken += 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => waiting.push(resolve));
  }, "turn");
  return {
    take: /* @__PURE__ */ __name(async (signal) => {
      await turn();
      for (let restMs = heldUntilMs - clock.monotonicMs(); restMs > 0 && !signal.aborted; restMs = heldUntilMs - clock.monotonicMs()) {
        await sleep(clock, restMs, signal);
      }
      let isFree = false;
      return () => {
        if (!isFree) release();
        isFree = true;
      };
    }, "take"),
    holdBack: /* @__PURE__ */ __name((ms) => {
      heldUntilMs = Math.max(heldUntilMs, clock.monotonicMs() + ms);
    }, "holdBack")
  };
}
__name(createRequestSlots, "createRequestSlots");

// src/cluster/api.ts
var PARALLEL_GETS = 4;
var WRITE_TRIES = 3;
function createApi(options) {
  const { clock, serverClock, random = Math.random } = options;
  const stats = {
    requests: 0,
    retries: 0,
    bytes: 0,
    watchRestarts: 0
  };
  let failure = null;
  const tell = /* @__PURE__ */ __name((type, message) => options.tell?.({ type, message }, serverClock.now()), "tell");
  const slots = createRequestSlots(clock, PARALLEL_GETS);
  const contact = createFirstContact(clock, (error2) => tell("warning", `${error2.message}; trying for half a minute`));
  const recovery = createRecovery(serverClock.now);
  const countBytes = /* @__PURE__ */ __name((bytes) => {
    stats.bytes += bytes;
  }, "countBytes");
  const send = createRequester({
    ...options,
    onExchange: /* @__PURE__ */ __name((isRepeated) => {
      stats.requests += 1;
      if (isRepeated) stats.retries += 1;
    }, "onExchange"),
    onBytes: countBytes,
    onStatus: contact.made,
    onRenewed: /* @__PURE__ */ __name(() => tell("note", "the API server rejected the credentials (401 Unauthorized); obtained anew, they are accepted"), "onRenewed")
  });
  const signalOf = /* @__PURE__ */ __name(({ signal }) => signal === void 0 ? options.signal : AbortSignal.any([options.signal, signal]), "signalOf");
  const attempt = /* @__PURE__ */ __name(async (target, request, consume) => {
    if (failure !== null) throw failure;
    try {
      const value = await send(target, request, consume);
      recovery.observe(null);
      return value;
    } catch (error2) {
      if (isApiError(error2)) recovery.observe(error2);
      if (isApiError(error2) && error2.kind === "unauthorized") failure ??= error2;
      throw error2;
    }
  }, "attempt");
  const backOff = /* @__PURE__ */ __name(async ({ kind }, waitMs, signal) => {
    if (kind !== "unreachable") return sleep(clock, waitMs, signal);
    const isBack = recovery.signal();
    await sleep(clock, waitMs, AbortSignal.any([signal, isBack]));
    if (isBack.aborted) await sleep(clock, backOffMs(1, random), signal);
  }, "backOff");
  const wait2 = /* @__PURE__ */ __name(async (error2, failures, signal) => {
    const { retryAfterMs } = error2;
    const waitMs = retryAfterMs === null ? Math.min(backOffMs(failures, random), contact.longestWaitMs()) : retryAfterWaitMs(retryAfterMs, random);
    if (error2.kind === "too-many-requests") slots.holdBack(waitMs);
    tell("debug", `${error2.message}; again in ${Math.round(waitMs)} ms`);
    await backOff(error2, waitMs, signal);
    if (signal.aborted) return false;
    stats.retries += 1;
    return true;
  }, "wait");
  const get = /* @__PURE__ */ __name(async (draft, getOptions, consume) => {
    const target = targetOf(draft.method, draft.path);
    const signal = signalOf(getOptions);
    for (let failures = 1; ; failures += 1) {
      const release = await slots.take(signal);
      const outcome = await attempt(target, { ...draft, signal }, consume).then((value) => ({ value })).catch((rejection) => ({ error: rejection })).finally(release);
      if ("value" in outcome) return outcome.value;
      const { error: error2 } = outcome;
      const judgement = contact.judge(error2);
      if (judgement === "final") failure ??= error2;
      if (judgement !== "repeat" || failures >= (getOptions.tries ?? Number.POSITIVE_INFINITY)) throw error2;
      getOptions.onTrouble?.(error2);
      if (!await wait2(error2, failures, signal)) throw aborted(target);
    }
  }, "get");
  const write = /* @__PURE__ */ __name(async (draft, requestOptions = {}) => {
    const target = targetOf(draft.method, draft.path);
    const signal = signalOf(requestOptions);
    for (let failures = 1; ; failures += 1) {
      try {
        return await attempt(target, { ...draft, signal }, decoded3(target, parseJson));
      } catch (error2) {
        if (!isApiError(error2) || error2.kind !== "too-many-requests" || failures >= WRITE_TRIES) throw error2;
        const mayGoOn = await wait2(error2, failures, signal);
        if (draft.method === "DELETE") throw error2;
        if (!mayGoOn) throw aborted(target);
      }
    }
  }, "write");
  const decoded3 = /* @__PURE__ */ __name((target, decode2, limitBytes) => async (response, onChunk) => {
    const body = await readBody(response.body, onChunk, limitBytes);
    if (isHtml(response, body)) throw notKubernetes(target, response);
    const value = await decode2(body);
    contact.made();
    return value;
  }, "decoded");
  const open2 = /* @__PURE__ */ __name(async (path2, openOptions = {}) => {
    const signal = signalOf(openOptions);
    const release = await slots.take(signal);
    try {
      return await attempt(
        targetOf("GET", path2),
        { ...getDraft(path2, openOptions), signal },
        (response) => Promise.resolve({ ...response, body: countedBody(response.body, countBytes) })
      );
    } finally {
      release();
    }
  }, "open");
  const read = /* @__PURE__ */ __name((path2, decode2, readOptions = {}) => get(getDraft(path2, readOptions), readOptions, decoded3(targetOf("GET", path2), decode2, readOptions.limitBytes)), "read");
  return {
    read,
    getJson: /* @__PURE__ */ __name((path2, getOptions) => read(path2, parseJson, getOptions), "getJson"),
    getText: /* @__PURE__ */ __name((path2, getOptions = {}) => get(
      getDraft(path2, { accept: "*/*" }),
      getOptions,
      async (response, onChunk) => (await readBody(response.body, onChunk)).toString("utf8")
    ), "getText"),
    post: /* @__PURE__ */ __name((path2, body, requestOptions) => write({ method: "POST", path: path2, body: JSON.stringify(body) }, requestOptions), "post"),
    delete: /* @__PURE__ */ __name((path2, body, requestOptions) => write({ method: "DELETE", path: path2, body: JSON.stringify(body) }, requestOptions), "delete"),
    open: open2,
    countWatchRestart: /* @__PURE__ */ __name(() => {
      stats.watchRestarts += 1;
    }, "countWatchRestart"),
    stats,
    now: serverClock.now,
    failure: /* @__PURE__ */ __name(() => failure, "failure"),
    outageElapsedMs: recovery.outageElapsedMs
  };
}
__name(createApi, "createApi");
function getDraft(path2, { accept }) {
  return { method: "GET", path: path2, ...accept === void 0 ? {} : { accept } };
}
__name(getDraft, "getDraft");
async function* countedBody(body, onChunk) {
  for await (const chunk of body) {
    onChunk(chunk.byteLength);
    yield chunk;
  }
}
__name(countedBody, "countedBody");

// src/cluster/credential-age.ts
var import_node_crypto = __nccwpck_require__(598);

// src/cluster/json-web-token.ts
var LAST_TIME_MS = 864e13;
function expiryOfToken(token) {
  const [, payload = "", signature] = token.split(".");
  if (signature === void 0) return null;
  try {
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    const expiresAtMs = isRecord(claims) && typeof claims.exp === "number" ? claims.exp * 1e3 : Number.NaN;
    return Math.abs(expiresAtMs) <= LAST_TIME_MS ? expiresAtMs : null;
  } catch {
    return null;
  }
}
__name(expiryOfToken, "expiryOfToken");

// src/cluster/credential-age.ts
function warningsAboutAge({ credentials, dial }, user, nowMs) {
  const of2 = `of user ${quote(user?.name ?? "")}`;
  return [...aboutToken(credentials, of2, nowMs), ...aboutCertificate(dial.tls.cert, of2, nowMs)];
}
__name(warningsAboutAge, "warningsAboutAge");
function aboutToken({ headers }, of2, nowMs) {
  const authorization = headers.Authorization;
  const token = typeof authorization === "string" ? authorization.replace(/^Bearer /, "") : "";
  const expiresAtMs = expiryOfToken(token);
  if (expiresAtMs === null || expiresAtMs > nowMs) return [];
  return [`the token ${of2} expired at ${stamp(expiresAtMs)} (by this machine's clock): log in again before this step`];
}
__name(aboutToken, "aboutToken");
function aboutCertificate(pem, of2, nowMs) {
  if (!Buffer.isBuffer(pem) && typeof pem !== "string") return [];
  let certificate;
  try {
    certificate = new import_node_crypto.X509Certificate(pem);
  } catch {
    return [];
  }
  const [fromMs, toMs] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  if (toMs <= nowMs) {
    return [
      `the client certificate ${of2} expired at ${stamp(toMs)} (by this machine's clock): renew it (kubeadm: \`kubeadm certs renew admin.conf\`), or log in again before this step`
    ];
  }
  if (fromMs <= nowMs) return [];
  return [`the client certificate ${of2} is valid only from ${stamp(fromMs)} on: check the clock of this machine`];
}
__name(aboutCertificate, "aboutCertificate");
function stamp(atMs) {
  return new Date(atMs).toISOString();
}
__name(stamp, "stamp");

// src/cluster/oidc.ts
var import_node_https3 = __nccwpck_require__(708);

// src/cluster/dialer.ts
var import_node_tls3 = __nccwpck_require__(311);

// src/cluster/certificate-file.ts
var CERTIFICATE_LIMIT_BYTES = 4 * 1024 * 1024;
async function readCertificateFile(path2, source) {
  try {
    const content = await readSmallBytes(path2, CERTIFICATE_LIMIT_BYTES);
    if (content.byteLength === 0) throw new Error("it is empty");
    return content.toString("base64");
  } catch (cause) {
    const { code, message } = cause;
    throw new ConnectError(`the ${source} names the file ${path2}, which cannot be read: ${code ?? message}`, {
      reason: "KubeconfigInvalid",
      cause
    });
  }
}
__name(readCertificateFile, "readCertificateFile");

// src/cluster/proxy-agent.ts
var import_node_net = __nccwpck_require__(30);
var import_node_tls = __nccwpck_require__(311);
function correctProxyAgent(agent) {
  if (isTunnelAgent(agent)) {
    agent.proxy = withoutBrackets(agent.proxy);
    const create = agent.createConnection.bind(agent);
    agent.createConnection = (options, callback) => create(inBrackets(options), callback);
  } else if (isSocksAgent(agent)) {
    const connect3 = agent.connect.bind(agent);
    agent.connect = (request, options) => connect3(request, withIdentity(options));
  }
}
__name(correctProxyAgent, "correctProxyAgent");
function isTunnelAgent(agent) {
  return "proxy" in agent && isRecord(agent.proxy) && "hostname" in agent.proxy && "protocol" in agent.proxy;
}
__name(isTunnelAgent, "isTunnelAgent");
function isSocksAgent(agent) {
  return "proxy" in agent && "shouldLookup" in agent && "connect" in agent;
}
__name(isSocksAgent, "isSocksAgent");
function withoutBrackets(proxy) {
  const { hostname, port, protocol, username, password } = proxy;
  if (!hostname.startsWith("[")) return proxy;
  return { hostname: hostname.slice(1, -1), port, protocol, ...{ username, password } };
}
__name(withoutBrackets, "withoutBrackets");
function inBrackets(options) {
  const { host = "" } = options;
  return (0, import_node_net.isIPv6)(host) ? { ...withIdentity(options), host: `[${host}]` } : options;
}
__name(inBrackets, "inBrackets");
function withIdentity(options) {
  const { host = "", servername = "" } = options;
  if (servername !== "" || (0, import_node_net.isIP)(host) === 0) return options;
  const check = /* @__PURE__ */ __name((_, certificate) => (0, import_node_tls.checkServerIdentity)(host, certificate), "check");
  return { ...options, ...{ checkServerIdentity: check } };
}
__name(withIdentity, "withIdentity");

// src/cluster/dialer.ts
var ignored = /* @__PURE__ */ __name(() => {
}, "ignored");
var CONTEXT = "gate";
function createDialer(target, proxy, mask = () => void 0) {
  const retired = [];
  let made = null;
  const retire = /* @__PURE__ */ __name(() => {
    made?.dial.then(({ agent }) => {
      for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
      retired.push(agent);
    }, ignored);
    made = null;
  }, "retire");
  const madeFor = /* @__PURE__ */ __name((given) => {
    const certificates = JSON.stringify([given.certificate, given.key]);
    if (made?.certificates === certificates) return made;
    retire();
    const dial = configFor(target, proxy, given).then((config) => dialFrom(config, target));
    dial.catch(ignored);
    made = { certificates, dial };
    return made;
  }, "madeFor");
  return {
    dial: /* @__PURE__ */ __name(async (given) => {
      const present2 = madeFor(given);
      try {
        const dial = await present2.dial;
        if (dial.tls.key !== void 0) mask(String(dial.tls.key));
        return dial;
      } catch (error2) {
        if (made === present2) made = null;
        throw error2;
      }
    }, "dial"),
    renew: /* @__PURE__ */ __name(() => {
      const { certFile = null, keyFile = null } = target.user ?? {};
      if (certFile !== null || keyFile !== null) retire();
    }, "renew"),
    close: /* @__PURE__ */ __name(() => {
      made?.dial.then(({ agent }) => agent.destroy(), ignored);
      for (const agent of retired) agent.destroy();
    }, "close")
  };
}
__name(createDialer, "createDialer");
async function configFor(target, proxy, given) {
  const { KubeConfig: Config } = await Promise.resolve().then(() => (init_config(), config_exports));
  const { cluster, user, source } = target;
  const ca = await certificateOf(cluster.caData, cluster.caFile, source);
  const certificates = await certificatesOf(user, given, source);
  const config = new Config();
  config.loadFromOptions({
    clusters: [
      {
        name: CONTEXT,
        server: cluster.server,
        // The library refuses servers without TLS unless this is set; then it has no other effect.
        skipTLSVerify: cluster.skipTlsVerify || cluster.server.startsWith("http:"),
        ...ca === null ? {} : { caData: ca },
        ...cluster.tlsServerName === null ? {} : { tlsServerName: cluster.tlsServerName },
        ...proxy === null ? {} : { proxyUrl: libraryUrlOf(proxy) }
      }
    ],
    users: [
      {
        name: CONTEXT,
        ...certificates
      }
    ],
    contexts: [{ name: CONTEXT, cluster: CONTEXT, user: CONTEXT }],
    currentContext: CONTEXT
  });
  return config;
}
__name(configFor, "configFor");
function libraryUrlOf({ url }) {
  return url.replace(/^socks5:/i, "socks5h:");
}
__name(libraryUrlOf, "libraryUrlOf");
async function certificatesOf(user, { certificate, key }, source) {
  if (certificate !== null && key !== null) return { certData: base64(certificate), keyData: base64(key) };
  if (user === null) return {};
  const certData = await certificateOf(user.certData, user.certFile, source);
  const keyData = await certificateOf(user.keyData, user.keyFile, source);
  return { ...certData === null ? {} : { certData }, ...keyData === null ? {} : { keyData } };
}
__name(certificatesOf, "certificatesOf");
async function certificateOf(data, file, source) {
  return data ?? (file === null ? null : await readCertificateFile(file, source));
}
__name(certificateOf, "certificateOf");
var ENCRYPTED = /^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;
async function dialFrom(config, { source, cluster }) {
  const options = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (cause) {
    if (isConnectError(cause)) throw cause;
    throw applyError(cause, source);
  }
  const { cert, key, servername } = options;
  if (key !== void 0 && ENCRYPTED.test(String(key))) {
    throw new ConnectError(
      `the client key of the ${source} is encrypted, and there is nobody to ask for its passphrase; put the key there without one (\`openssl pkey\`), or use another login`,
      { reason: "KubeconfigInvalid" }
    );
  }
  const ca = withExtra(options.ca);
  const agent = options.agent;
  correctProxyAgent(agent);
  Object.assign(agent, { keepAlive: true });
  Object.assign(agent.options, { keepAlive: true, ...ca === void 0 ? {} : { ca } });
  return {
    agent,
    tls: {
      ...ca === void 0 ? {} : { ca },
      ...cert === void 0 ? {} : { cert },
      ...key === void 0 ? {} : { key },
      ...servername === void 0 ? {} : { servername },
      // Said in any case: NODE_TLS_REJECT_UNAUTHORIZED=0 is for others, and nobody would warn of it.
      rejectUnauthorized: !cluster.skipTlsVerify
    }
  };
}
__name(dialFrom, "dialFrom");
function withExtra(ca) {
  const extra = (0, import_node_tls3.getCACertificates)("extra");
  return ca === void 0 || extra.length === 0 ? ca : [ca, extra].flat();
}
__name(withExtra, "withExtra");
function applyError(cause, source) {
  return new ConnectError(`the certificates or the proxy of the ${source} cannot be used`, {
    reason: "KubeconfigInvalid",
    cause
  });
}
__name(applyError, "applyError");
function base64(text3) {
  return Buffer.from(text3, "utf8").toString("base64");
}
__name(base64, "base64");

// src/cluster/kubeconfig-secrets.ts
var SECRET_NAME = /(?:token|secret|password|passwd|passphrase|(?<!application_)credentials?|(?:private|access|api)[-_]?key)$/i;
function secretsOfUser(user) {
  if (user === null) return [];
  const { token, username, password, keyData, exec, authProvider } = user;
  return [
    token,
    password,
    username === null || password === null ? null : basicOf(username, password),
    keyData,
    keyData === null ? null : Buffer.from(keyData, "base64").toString("utf8"),
    ...exec === null ? [] : secretsOfPlugin(exec),
    ...secretsOfProvider(authProvider)
  ].filter((secret) => secret !== null);
}
__name(secretsOfUser, "secretsOfUser");
function basicOf(username, password) {
  return Buffer.from(`${username}:${password}`).toString("base64");
}
__name(basicOf, "basicOf");
function secretsOfPlugin({ env, args }) {
  const inEnv = Object.entries(env).filter(([name]) => SECRET_NAME.test(name));
  const inArgs = args.flatMap((arg, index) => {
    const { name = "", value } = /^--?(?<name>[\w-]+)(?:=(?<value>.*))?$/s.exec(arg)?.groups ?? {};
    return SECRET_NAME.test(name) ? [value ?? args[index + 1] ?? ""] : [];
  });
  return [...inEnv.map(([, value]) => value), ...inArgs];
}
__name(secretsOfPlugin, "secretsOfPlugin");
function secretsOfProvider(authProvider) {
  const config = isRecord(authProvider) && isRecord(authProvider.config) ? authProvider.config : {};
  return Object.entries(config).filter(([name]) => SECRET_NAME.test(name)).map(([, value]) => value).filter((value) => typeof value === "string");
}
__name(secretsOfProvider, "secretsOfProvider");

// src/cluster/no-proxy.ts
var import_node_net3 = __nccwpck_require__(30);
function bypassesProxy(noProxy, hostname, port) {
  const host = bare(hostname);
  if (isLoopback(host)) return true;
  return noProxy.split(/[\s,]+/).filter((entry) => entry !== "").some((entry) => matches(entry.toLowerCase(), host, port));
}
__name(bypassesProxy, "bypassesProxy");
function isLoopback(host) {
  if (host === "localhost" || host.endsWith(".localhost")) return true;
  return (0, import_node_net3.isIP)(host) !== 0 && LOOPBACK.check(host, familyOf(host));
}
__name(isLoopback, "isLoopback");
var LOOPBACK = new import_node_net3.BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");
function matches(entry, host, port) {
  if (entry === "*") return true;
  if (entry.includes("/")) return matchesBlock(entry, host);
  const { name, port: wantedPort } = splitPort(entry);
  if (wantedPort !== "" && wantedPort !== port) return false;
  if ((0, import_node_net3.isIP)(name) !== 0)
    return (0, import_node_net3.isIP)(host) !== 0 && blockOf(name, (0, import_node_net3.isIPv4)(name) ? 32 : 128)?.check(host, familyOf(host)) === true;
  const suffix = name.replace(/^\*?\./, "");
  return suffix !== "" && (host === suffix || host.endsWith(`.${suffix}`));
}
__name(matches, "matches");
function matchesBlock(entry, host) {
  const [network = "", prefix = ""] = entry.split("/", 2);
  const block = /^\d{1,3}$/.test(prefix) ? blockOf(bare(network), Number(prefix)) : null;
  return block !== null && (0, import_node_net3.isIP)(host) !== 0 && block.check(host, familyOf(host));
}
__name(matchesBlock, "matchesBlock");
function blockOf(network, prefix) {
  const bits = { 0: -1, 4: 32, 6: 128 }[(0, import_node_net3.isIP)(network)] ?? -1;
  if (prefix > bits) return null;
  const block = new import_node_net3.BlockList();
  block.addSubnet(network, prefix, familyOf(network));
  return block;
}
__name(blockOf, "blockOf");
function splitPort(entry) {
  const match = /^(\[[^\]]+\]|[^:]+):(\d+)$/.exec(entry);
  return match === null ? { name: bare(entry), port: "" } : { name: bare(match[1] ?? ""), port: match[2] ?? "" };
}
__name(splitPort, "splitPort");
function bare(host) {
  return host.toLowerCase().replace(/^\[|\]$/g, "");
}
__name(bare, "bare");
function familyOf(address) {
  return (0, import_node_net3.isIPv4)(address) ? "ipv4" : "ipv6";
}
__name(familyOf, "familyOf");

// src/cluster/proxy.ts
var LEAST_TOKEN_LENGTH = 20;
var SCHEMES = /* @__PURE__ */ new Set([
  "http:",
  "https:",
  "socks:",
  "socks4:",
  "socks4a:",
  "socks5:",
  "socks5h:"
]);
function proxyFor(server, proxyUrl, env) {
  if (proxyUrl !== null) return parseProxy(proxyUrl, "the kubeconfig's proxy-url");
  const name = server.protocol === "https:" ? "https_proxy" : "http_proxy";
  const url = env[name] || env[name.toUpperCase()] || "";
  if (url === "") return null;
  const port = server.port || (server.protocol === "https:" ? "443" : "80");
  const isBypassed = bypassesProxy(env.no_proxy || env.NO_PROXY || "", server.hostname, port);
  return isBypassed ? null : parseProxy(url, name.toUpperCase());
}
__name(proxyFor, "proxyFor");
function parseProxy(text3, source) {
  const withScheme = /^[a-z][a-z\d+.-]*:\/\//i.test(text3) ? text3 : `http://${text3}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : null;
  const username = url === null ? null : decoded(url.username);
  const password = url === null ? null : decoded(url.password);
  if (url === null || username === null || password === null || !SCHEMES.has(url.protocol) || url.hostname === "") {
    throw new ConnectError(
      `${source} is no URL of a proxy; allowed: http://, https:// or socks5:// with host and port`,
      {
        reason: "KubeconfigInvalid"
      }
    );
  }
  const secrets = password === "" ? [username].filter(({ length }) => length >= LEAST_TOKEN_LENGTH) : [.../* @__PURE__ */ new Set([password, url.password, basicOf(username, password)])];
  return { url: withScheme, name: `${url.protocol}//${url.host}`, secrets };
}
__name(parseProxy, "parseProxy");
function decoded(text3) {
  try {
    return decodeURIComponent(text3);
  } catch {
    return null;
  }
}
__name(decoded, "decoded");

// src/cluster/oidc.ts
var OIDC_TIMEOUT_MS = 3e4;
var ANSWER_LIMIT_BYTES = 1024 * 1024;
async function refreshIdToken(provider, refreshToken, { env, clock, signal }) {
  const { issuer, clientId, clientSecret } = provider;
  const url = issuerUrl(issuer);
  const late = new AbortController();
  const ask = await askerFor(url, provider, env, AbortSignal.any([signal, late.signal]));
  const cancelTimer = clock.after(OIDC_TIMEOUT_MS, () => late.abort());
  try {
    const discovered = await ask(new URL(`${url.href.replace(/\/$/, "")}/.well-known/openid-configuration`));
    if (discovered.status !== 200) throw failed(url, `its discovery document was answered with ${discovered.status}`);
    const endpoint = endpointOf(discovered.body, url);
    const form = { grant_type: "refresh_token", refresh_token: refreshToken };
    const inForm = { ...form, client_id: clientId, ...clientSecret === "" ? {} : { client_secret: clientSecret } };
    const byHeader = clientSecret === "" ? null : await ask(endpoint, form, basic(clientId, clientSecret));
    const answer = byHeader?.status === 200 ? byHeader : await ask(endpoint, inForm);
    if (answer.status !== 200) {
      throw failed(url, `it refused the refresh token (${answer.status}${errorCodeOf(answer.body)})`);
    }
    const { id_token: idToken, refresh_token: next } = isRecord(answer.body) ? answer.body : {};
    if (typeof idToken !== "string" || idToken === "") throw failed(url, "it gave no id-token for the refresh token");
    return { idToken, refreshToken: typeof next === "string" && next !== "" ? next : refreshToken };
  } catch (error2) {
    if (isConnectError(error2)) throw error2;
    if (signal.aborted) throw failed(url, "the run ended before it had answered");
    if (late.signal.aborted) throw failed(url, `it did not answer within ${OIDC_TIMEOUT_MS / 1e3} s`);
    throw failed(url, networkProblemOf(error2).what, error2);
  } finally {
    cancelTimer();
    ask.close();
  }
}
__name(refreshIdToken, "refreshIdToken");
function failed(issuer, what, cause) {
  return new ConnectError(
    `the id-token could not be renewed at the identity provider ${issuer.host}: ${what}; log in again before this step`,
    { reason: "CredentialsFailed", ...cause === void 0 ? {} : { cause } }
  );
}
__name(failed, "failed");
function issuerUrl(text3) {
  const url = URL.canParse(text3) ? new URL(text3) : null;
  if (url?.protocol === "https:") return url;
  throw new ConnectError("the idp-issuer-url of the kubeconfig is no URL; it must begin with https://", {
    reason: "KubeconfigInvalid"
  });
}
__name(issuerUrl, "issuerUrl");
function endpointOf(document2, issuer) {
  const endpoint = isRecord(document2) ? document2.token_endpoint : null;
  const url = typeof endpoint === "string" && URL.canParse(endpoint) ? new URL(endpoint) : null;
  if (url?.protocol === "https:") return url;
  throw failed(issuer, "its discovery document names no token endpoint with https://");
}
__name(endpointOf, "endpointOf");
function basic(clientId, clientSecret) {
  const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`;
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}
__name(basic, "basic");
function errorCodeOf(body) {
  const code = isRecord(body) && typeof body.error === "string" ? body.error : "";
  return /^(?:invalid_(?:request|client|grant|scope)|unauthorized_client|unsupported_grant_type)$/.test(code) ? `, ${code}` : "";
}
__name(errorCodeOf, "errorCodeOf");
async function askerFor(issuer, provider, env, signal) {
  const { caData, caFile } = provider;
  const cluster = {
    ...{ name: "issuer", server: issuer.origin, caData, caFile, tlsServerName: null, skipTlsVerify: false },
    ...{ proxyUrl: null, disableCompression: true, execConfig: void 0 }
  };
  const target = { cluster, user: null, context: "", source: "kubeconfig" };
  const dialer = createDialer(target, proxyFor(issuer, null, env));
  const dial = await dialer.dial({ certificate: null, key: null });
  const ask = /* @__PURE__ */ __name((url, form, authorization) => exchange(dial, url, form, authorization, signal), "ask");
  return Object.assign(ask, { close: dialer.close });
}
__name(askerFor, "askerFor");
function exchange({ agent, tls: tls3 }, url, form, authorization, signal) {
  const body = form === void 0 ? void 0 : new URLSearchParams(form).toString();
  const options = {
    ...tls3,
    agent,
    method: body === void 0 ? "GET" : "POST",
    headers: {
      Accept: "application/json",
      ...body === void 0 ? {} : { "Content-Type": "application/x-www-form-urlencoded" },
      ...body === void 0 ? {} : { "Content-Length": String(Buffer.byteLength(body)) },
      ...authorization === void 0 ? {} : { Authorization: authorization }
    }
  };
  return new Promise((resolve, reject) => {
    const request = (0, import_node_https3.request)(url, options);
    const onAbort = /* @__PURE__ */ __name(() => {
      request.destroy();
      reject(new Error("aborted"));
    }, "onAbort");
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    let isAnswered = false;
    request.on("close", () => {
      signal.removeEventListener("abort", onAbort);
      if (!isAnswered) reject(new Error("the connection was closed without an answer"));
    });
    request.on("error", reject);
    request.on("response", (message) => {
      isAnswered = true;
      const status = message.statusCode ?? 0;
      readBody(message, () => void 0, ANSWER_LIMIT_BYTES).then(
        (bytes) => resolve({ status, body: jsonOf(bytes) }),
        reject
      );
    });
    request.end(body);
  });
}
__name(exchange, "exchange");
function jsonOf(body) {
  try {
    return parseJson(body);
  } catch {
    return null;
  }
}
__name(jsonOf, "jsonOf");

// src/cluster/auth-provider.ts
var REMOVED = {
  gcp: "the exec plugin gke-gcloud-auth-plugin",
  azure: "the exec plugin kubelogin"
};
function createAuthProvider(user, options) {
  const provider = isRecord(user.authProvider) ? user.authProvider : {};
  const name = textIn(provider, "name");
  const config = isRecord(provider.config) ? provider.config : {};
  const who = `the auth provider ${quote(name)} of user ${quote(user.name)}`;
  switch (name) {
    case "oidc":
      return createOidc(who, config, options);
    case "gcp":
    case "azure":
      return () => Promise.resolve(ofKubeconfig(who, name, config, options));
    default:
      return () => Promise.reject(failed2(`${who} is not known: use a token, a client certificate or an exec plugin`));
  }
}
__name(createAuthProvider, "createAuthProvider");
function failed2(message) {
  return new ConnectError(message, { reason: "CredentialsFailed" });
}
__name(failed2, "failed");
function textIn(record2, name) {
  const value = record2[name];
  return typeof value === "string" ? value : "";
}
__name(textIn, "textIn");
function createOidc(who, config, options) {
  const provider = {
    issuer: textIn(config, "idp-issuer-url"),
    clientId: textIn(config, "client-id"),
    clientSecret: textIn(config, "client-secret"),
    caData: textIn(config, "idp-certificate-authority-data") || null,
    caFile: textIn(config, "idp-certificate-authority") || null
  };
  let idToken = textIn(config, "id-token");
  const givenRefreshToken = textIn(config, "refresh-token");
  let refreshToken = givenRefreshToken;
  const canRefresh = refreshToken !== "" && provider.issuer !== "" && provider.clientId !== "";
  return async (refused2) => {
    const expiresAtMs = expiryOfToken(idToken);
    const hasExpired = idToken === "" || expiresAtMs !== null && expiresAtMs <= options.clock.wallMs();
    if (hasExpired && !canRefresh) {
      throw failed2(
        `${who} has ${idToken === "" ? "no id-token" : `an id-token that ${expired(expiresAtMs)}`}, and lacks what a new one takes (refresh-token, idp-issuer-url, client-id): log in again before this step`
      );
    }
    if (hasExpired || refused2 && canRefresh) {
      ({ idToken, refreshToken } = await refreshIdToken(provider, refreshToken, options));
    }
    const warning2 = refreshToken === givenRefreshToken ? null : `${who} was given a new refresh token, which is not written into the kubeconfig: where each one can be used only once, the next run has to log in again`;
    return { token: idToken, secrets: [idToken, refreshToken], expiresAtMs: expiryOfToken(idToken), warning: warning2 };
  };
}
__name(createOidc, "createOidc");
function ofKubeconfig(who, name, config, { clock }) {
  const token = textIn(config, "access-token");
  const expiresOnMs = Number(textIn(config, "expires-on") || Number.NaN) * 1e3;
  const expiryMs = Date.parse(textIn(config, "expiry"));
  const expiresAtMs = [expiryMs, expiresOnMs].find((atMs) => !Number.isNaN(new Date(atMs).getTime())) ?? null;
  if (token !== "" && (expiresAtMs === null || expiresAtMs > clock.wallMs())) {
    return { token, secrets: [token], expiresAtMs, warning: null };
  }
  const what = token === "" ? "no token" : `a token that ${expired(expiresAtMs)}`;
  throw failed2(`${who} has ${what}, and kubectl has had no such provider since 1.26: log in with ${REMOVED[name]}`);
}
__name(ofKubeconfig, "ofKubeconfig");
function expired(atMs) {
  return atMs === null ? "has expired" : `expired at ${new Date(atMs).toISOString()}`;
}
__name(expired, "expired");

// src/cluster/exec-plugin.ts
var import_node_child_process5 = __nccwpck_require__(421);
var import_node_fs5 = __nccwpck_require__(24);
var import_node_path5 = __nccwpck_require__(760);

// src/cluster/exec-info.ts
async function execInfo(plugin, cluster) {
  const { apiVersion, provideClusterInfo } = plugin;
  const spec = { interactive: false, ...provideClusterInfo ? { cluster: await clusterInfo(cluster) } : {} };
  return JSON.stringify({ apiVersion, kind: "ExecCredential", spec });
}
__name(execInfo, "execInfo");
async function clusterInfo(cluster) {
  const { caFile } = cluster;
  const caData = cluster.caData ?? (caFile === null ? null : await readCertificateFile(caFile, "kubeconfig"));
  return {
    server: cluster.server,
    ...cluster.tlsServerName === null ? {} : { "tls-server-name": cluster.tlsServerName },
    ...cluster.skipTlsVerify ? { "insecure-skip-tls-verify": true } : {},
    ...caData === null ? {} : { "certificate-authority-data": caData },
    ...cluster.proxyUrl === null ? {} : { "proxy-url": cluster.proxyUrl },
    ...cluster.disableCompression ? { "disable-compression": true } : {},
    ...cluster.execConfig === void 0 ? {} : { config: cluster.execConfig }
  };
}
__name(clusterInfo, "clusterInfo");

// src/cluster/redact.ts
var PROMISES_ONE = "(?:token|secret|password|passwd|passphrase|pwd|credentials?|key)";
var LOOKS_SECRET = [
  /-----BEGIN [\w ]*PRIVATE KEY-----[\s\S]*?(?:-----END [\w ]*-----|$)/g,
  /eyJ[\w-]{8,}(?:\.[\w-]+)*/g,
  /(?<=\b(?:bearer|basic)\s{1,9})[\w.~+/=-]{6,}/gi,
  new RegExp(`(?<=${PROMISES_ONE}["']?\\s{0,9}[:=]\\s{0,9})(?:"[^"]+"|'[^']+'|[^\\s"',;]{6,})`, "gi"),
  new RegExp(
    `(?<=${PROMISES_ONE}s?["']?(?:\\s{1,9}(?:is|was|id))?\\s{1,9}["'\`]?)(?![~./]|[a-z]+://)(?:(?=[^\\s"'\`,;]*\\d)(?=[^\\s"'\`,;]*[a-z])[^\\s"'\`,;]{6,}|[^\\s"'\`,;]{20,})`,
    "gi"
  ),
  /(?<=:\/\/)[^\s/]+(?=@)/g,
  /[A-Za-z0-9+/_=-]{40,}/g
];
var HIDDEN = "***";
var LEAST_KNOWN_LENGTH = 6;
function redact(text3, known = []) {
  const withoutKnown = known.filter(({ length }) => length >= LEAST_KNOWN_LENGTH).sort((one, other) => other.length - one.length).reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text3);
  return LOOKS_SECRET.reduce((rest, pattern) => rest.replaceAll(pattern, HIDDEN), withoutKnown);
}
__name(redact, "redact");

// src/cluster/exec-plugin.ts
var EXEC_TIMEOUT_MS = 3e4;
var LAST_OUTPUT_MS = 1e3;
var OUTPUT_LIMIT_BYTES = 1024 * 1024;
var WORDS_LIMIT = 600;
async function runExecPlugin(options) {
  const { plugin, user } = options;
  const name = `exec plugin ${quote(plugin.command)} of user ${quote(user)}`;
  if (plugin.command === "") throw failed3(`${name} has no command: repair the kubeconfig`);
  if (plugin.interactiveMode === "Always") {
    throw failed3(`${name} asks for a terminal (interactiveMode: Always), and there is none: use another login for CI`);
  }
  const output = await run(options, name, await execInfo(plugin, options.cluster));
  return credentialOf(output, plugin, name);
}
__name(runExecPlugin, "runExecPlugin");
function failed3(message, cause) {
  return new ConnectError(message, { reason: "CredentialsFailed", ...cause === void 0 ? {} : { cause } });
}
__name(failed3, "failed");
var CAN_GROUP = process.platform !== "win32";
function start({ plugin, env }, name, info2) {
  const options = {
    env: { ...env, ...plugin.env, KUBERNETES_EXEC_INFO: info2 },
    detached: CAN_GROUP,
    windowsHide: true
  };
  try {
    return (0, import_node_child_process5.spawn)(plugin.command, plugin.args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  } catch (error2) {
    throw failed3(`${name} cannot be started: ${error2.code}`);
  }
}
__name(start, "start");
function run(options, name, info2) {
  const { plugin, clock, signal } = options;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(failed3(`${name} was not run: the run ends`));
      return;
    }
    const child = start(options, name, info2);
    let output = "";
    let words = "";
    const whatItSaid = /* @__PURE__ */ __name(() => inShort(redact(words, [...secretsOfPlugin(plugin), ...secretsIn(output)])), "whatItSaid");
    let cancelLast = /* @__PURE__ */ __name(() => {
    }, "cancelLast");
    const end2 = /* @__PURE__ */ __name((finish) => {
      cancelTimer();
      cancelLast();
      signal.removeEventListener("abort", onAbort);
      finish();
    }, "end");
    const kill = /* @__PURE__ */ __name(() => {
      try {
        if (CAN_GROUP && child.pid !== void 0) process.kill(-child.pid, "SIGKILL");
        else child.kill("SIGKILL");
      } catch {
      }
      child.stdout.destroy();
      child.stderr.destroy();
    }, "kill");
    const giveUp = /* @__PURE__ */ __name((message) => {
      kill();
      end2(() => reject(failed3(message)));
    }, "giveUp");
    const onAbort = /* @__PURE__ */ __name(() => giveUp(`${name} had not finished when the run ended, and was stopped; ${WAITS_FOR_SOMEBODY}${whatItSaid()}`), "onAbort");
    const cancelTimer = clock.after(
      EXEC_TIMEOUT_MS,
      () => giveUp(`${name} did not finish within ${EXEC_TIMEOUT_MS / 1e3} s; ${WAITS_FOR_SOMEBODY}${whatItSaid()}`)
    );
    signal.addEventListener("abort", onAbort, { once: true });
    child.stdout.setEncoding("utf8").on("data", (data) => {
      output += data;
      if (output.length > OUTPUT_LIMIT_BYTES) giveUp(`${name} printed more than any credential has`);
    });
    child.stderr.setEncoding("utf8").on("data", (data) => {
      words = (words + data).slice(-OUTPUT_LIMIT_BYTES);
    });
    child.on("error", (cause) => end2(() => reject(notStarted(cause, options, name))));
    const onEnd = /* @__PURE__ */ __name((code, killedBy) => {
      const how = code === null ? `was killed by ${killedBy}` : `failed with exit code ${code}`;
      end2(() => code === 0 ? resolve(output) : reject(failed3(`${name} ${how}${whatItSaid()}`)));
    }, "onEnd");
    child.on("close", onEnd);
    child.on("exit", (code, killedBy) => {
      cancelLast = clock.after(LAST_OUTPUT_MS, () => {
        child.stdout.destroy();
        child.stderr.destroy();
        onEnd(code, killedBy);
      });
    });
  });
}
__name(run, "run");
var WAITS_FOR_SOMEBODY = "it may be waiting for a terminal, a browser or the network: log in before this step";
function notStarted(cause, { plugin, env }, name) {
  if (cause.code !== "ENOENT") return failed3(`${name} cannot be started: ${cause.code}`, cause);
  if (isThere2(plugin, env)) {
    return failed3(`${name} cannot be started: it is there, but not the program that its first line names`, cause);
  }
  const hint = plugin.installHint.trim();
  const fix = hint === "" ? "install it in a step before this one, or log in with another method" : capText(hint, WORDS_LIMIT);
  return failed3(`${name} is not there: ${fix}`, cause);
}
__name(notStarted, "notStarted");
function isThere2({ command, env: own }, env) {
  if (/[\\/]/.test(command)) return (0, import_node_fs5.existsSync)(command);
  const folders = (own.PATH ?? env.PATH ?? "").split(import_node_path5.delimiter);
  return folders.some((folder) => folder !== "" && (0, import_node_fs5.existsSync)((0, import_node_path5.join)(folder, command)));
}
__name(isThere2, "isThere");
var KLOG_HEADER = /^[IWEF]\d{4} [\d:.]+ +\d+ \S+\] /gm;
function inShort(words) {
  const line = words.replaceAll(KLOG_HEADER, "").replaceAll(/\s+/g, " ").trim();
  if (line === "") return "";
  const characters = [...line];
  if (characters.length <= WORDS_LIMIT) return `: ${line}`;
  const [head2, tail] = [characters.slice(0, WORDS_LIMIT / 2), characters.slice(-WORDS_LIMIT / 2)];
  return `: ${head2.join("")} … ${tail.join("")}`;
}
__name(inShort, "inShort");
function secretsIn(output) {
  const status = statusIn(parse2(output));
  return [status.token, status.clientKeyData].filter((secret) => typeof secret === "string");
}
__name(secretsIn, "secretsIn");
function statusIn(credential) {
  return isRecord(credential) && isRecord(credential.status) ? credential.status : {};
}
__name(statusIn, "statusIn");
var VERSION2 = /^client\.authentication\.k8s\.io\/v\d\w*$/;
function credentialOf(output, plugin, name) {
  const credential = parse2(output);
  if (!isRecord(credential) || credential.kind !== "ExecCredential") {
    throw failed3(`${name} printed no ExecCredential: it must print JSON on stdout, and nothing else`);
  }
  if (plugin.apiVersion !== "" && credential.apiVersion !== plugin.apiVersion) {
    const version = textOf4(credential.apiVersion) ?? "";
    const shown = VERSION2.test(version) ? `apiVersion ${quote(version)}` : "no apiVersion of an ExecCredential";
    throw failed3(
      `${name} answered with ${shown}, the kubeconfig asks for ${quote(plugin.apiVersion)}: update one of the two`
    );
  }
  const status = statusIn(credential);
  const token = textOf4(status.token);
  const certificate = textOf4(status.clientCertificateData);
  const key = textOf4(status.clientKeyData);
  if (certificate === null !== (key === null))
    throw failed3(`${name} printed a client certificate and key of which one is missing`);
  if (token === null && certificate === null) throw failed3(`${name} printed neither a token nor a client certificate`);
  const expiresAtMs = Date.parse(textOf4(status.expirationTimestamp) ?? "");
  return { token, certificate, key, expiresAtMs: Number.isNaN(expiresAtMs) ? null : expiresAtMs };
}
__name(credentialOf, "credentialOf");
function parse2(output) {
  try {
    return JSON.parse(output);
  } catch {
    return null;
  }
}
__name(parse2, "parse");
function textOf4(value) {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : null;
}
__name(textOf4, "textOf");

// src/cluster/credentials.ts
var TOKEN_FILE_MS = 6e4;
var RENEW_AHEAD_MS = 6e4;
var RENEW_AHEAD_SHARE = 0.2;
var RENEW_AGAIN_MS = 2e4;
function createCredentialSource(options) {
  const { target, clock, mask = /* @__PURE__ */ __name(() => void 0, "mask") } = options;
  const { user } = target;
  for (const secret of secretsOfUser(user)) mask(secret);
  const obtain = user === null ? () => Promise.resolve(ofNobody()) : obtainerFor(user, options);
  let present2 = null;
  let renewal = null;
  const renewNow = /* @__PURE__ */ __name(async (refused2) => {
    try {
      const obtained = await obtain(refused2);
      for (const secret of obtained.secrets) mask(secret);
      refuseUnsendable(obtained.credentials, user);
      present2 = obtained;
      return obtained;
    } finally {
      renewal = null;
    }
  }, "renewNow");
  const renewed2 = /* @__PURE__ */ __name((refused2) => {
    renewal ??= renewNow(refused2);
    return renewal;
  }, "renewed");
  return {
    current: /* @__PURE__ */ __name(async () => {
      const now = clock.wallMs();
      if (present2 === null) return (await renewed2(false)).credentials;
      if (present2.renewAtMs === null || now < present2.renewAtMs) return present2.credentials;
      const before2 = present2;
      try {
        return (await renewed2(false)).credentials;
      } catch (error2) {
        if (before2.expiresAtMs !== null && clock.wallMs() >= before2.expiresAtMs) throw error2;
        if (present2 === before2) present2 = { ...before2, renewAtMs: clock.wallMs() + RENEW_AGAIN_MS };
        return before2.credentials;
      }
    }, "current"),
    renew: /* @__PURE__ */ __name(async () => {
      await renewed2(true);
    }, "renew"),
    warnings: /* @__PURE__ */ __name(() => [present2?.warning ?? null].filter((warning2) => warning2 !== null), "warnings")
  };
}
__name(createCredentialSource, "createCredentialSource");
function obtainerFor(user, options) {
  const { clock, target } = options;
  const { exec, username } = user;
  if (exec !== null) {
    const plugin = { ...options, plugin: exec, user: user.name, cluster: target.cluster };
    return async () => expiring(user, await runExecPlugin(plugin), clock);
  }
  if (user.token !== null || user.tokenFile !== null) {
    return async () => {
      const token = await tokenFrom(user) ?? user.token ?? "";
      return ofToken(user, token, user.tokenFile === null ? null : clock.wallMs() + TOKEN_FILE_MS);
    };
  }
  if (username !== null) {
    const basic2 = lasting(user, { Authorization: `Basic ${basicOf(username, user.password ?? "")}` }, []);
    return () => Promise.resolve(basic2);
  }
  if (user.authProvider !== null) {
    const provider = createAuthProvider(user, options);
    return async (refused2) => {
      const { token, secrets, expiresAtMs, warning: warning2 } = await provider(refused2);
      const obtained = expiring(user, { token, certificate: null, key: null, expiresAtMs }, clock);
      return { ...obtained, secrets, warning: warning2 };
    };
  }
  return () => Promise.resolve(lasting(user, {}, []));
}
__name(obtainerFor, "obtainerFor");
function ofNobody() {
  return {
    credentials: { headers: {}, certificate: null, key: null },
    secrets: [],
    renewAtMs: null,
    expiresAtMs: null,
    warning: null
  };
}
__name(ofNobody, "ofNobody");
function lasting(user, headers, secrets) {
  const all = { ...user.impersonation, ...headers };
  return { ...ofNobody(), credentials: { headers: all, certificate: null, key: null }, secrets };
}
__name(lasting, "lasting");
function ofToken(user, token, renewAtMs) {
  return { ...lasting(user, { Authorization: `Bearer ${token}` }, [token]), renewAtMs };
}
__name(ofToken, "ofToken");
function expiring(user, credential, clock) {
  const { token, certificate, key, expiresAtMs } = credential;
  const base = token === null ? lasting(user, {}, []) : ofToken(user, token, null);
  const credentials = { ...base.credentials, certificate, key };
  const secrets = key === null ? base.secrets : [...base.secrets, key];
  const restMs = expiresAtMs === null ? 0 : expiresAtMs - clock.wallMs();
  if (expiresAtMs === null || restMs <= 0) return { ...base, credentials, secrets };
  const aheadMs = Math.min(RENEW_AHEAD_MS, restMs * RENEW_AHEAD_SHARE);
  return { ...base, credentials, secrets, renewAtMs: expiresAtMs - aheadMs, expiresAtMs };
}
__name(expiring, "expiring");
function refuseUnsendable({ headers }, user) {
  for (const [name, values] of Object.entries(headers)) {
    if (![values].flat().some((value) => /[^\t\x20-\x7e\x80-\xff]/.test(value))) continue;
    const what = name === "Authorization" ? "the token" : `the header ${name}`;
    throw new ConnectError(
      `${what} of user ${quote(user?.name ?? "")} holds a character that cannot be sent, such as a line break: repair the kubeconfig, or what writes it`,
      { reason: "CredentialsFailed" }
    );
  }
}
__name(refuseUnsendable, "refuseUnsendable");
var TOKEN_LIMIT_BYTES = 1024 * 1024;
async function tokenFrom({ tokenFile, token, name }) {
  if (tokenFile === null) return null;
  try {
    const text3 = (await readSmallFile(tokenFile, TOKEN_LIMIT_BYTES)).trim();
    if (text3 !== "" || token !== null) return text3 === "" ? null : text3;
    throw new Error("it is empty");
  } catch (cause) {
    if (token !== null) return null;
    const { code, message } = cause;
    throw new ConnectError(`the token file ${tokenFile} of user ${quote(name)} cannot be read: ${code ?? message}`, {
      reason: "CredentialsFailed",
      cause
    });
  }
}
__name(tokenFrom, "tokenFrom");

// src/cluster/https-transport.ts
var import_node_http2 = __nccwpck_require__(67);
var import_node_https4 = __nccwpck_require__(708);
var import_node_stream = __nccwpck_require__(75);
var import_node_zlib = __nccwpck_require__(522);

// src/cluster/proxy-error.ts
var SOCKS_REFUSALS = [
  [/authentication|NotAllowed|Rejected(?:Ident)?\)/i, "ERR_PROXY_REFUSED"],
  [/rejected connection/i, "ERR_PROXY_FAILED"],
  [/handshake|Socket closed/i, "ERR_PROXY_NO_SOCKS"]
];
var ERRNO = /\b(E[A-Z]{4,})\b/;
function throughProxy(error2, proxy) {
  const { message } = error2;
  const status = /^Bad response: (\d+)$/.exec(message)?.[1];
  if (status !== void 0) {
    const code2 = Number(status) >= 500 ? "ERR_PROXY_FAILED" : "ERR_PROXY_REFUSED";
    return Object.assign(new Error(`it answered ${status}`, { cause: error2 }), { code: code2, proxy });
  }
  if (!proxy.startsWith("socks") || !("options" in error2)) return Object.assign(error2, { proxy });
  const code = ERRNO.exec(message)?.[1] ?? SOCKS_REFUSALS.find(([words]) => words.test(message))?.[1] ?? "";
  return Object.assign(new Error(message), { code, proxy });
}
__name(throughProxy, "throughProxy");

// src/cluster/https-transport.ts
var USER_AGENT = "calico-health-gate";
function createHttpsTransport(options) {
  const { server, proxy } = options;
  const basePath = server.pathname.replace(/\/+$/, "");
  const send = server.protocol === "https:" ? import_node_https4.request : import_node_http2.request;
  return async (request) => {
    const { dial, credentials } = await unlessAborted(options.dial(), request.signal);
    const requestOptions = {
      ...dial.tls,
      agent: dial.agent,
      method: request.method,
      protocol: server.protocol,
      hostname: server.hostname.replace(/^\[|\]$/g, ""),
      ...server.port === "" ? {} : { port: server.port },
      path: basePath + request.path,
      headers: {
        ...headersOf(request, options.compress),
        ...credentials.headers
      }
    };
    return new Promise((resolve, reject) => {
      const { signal } = request;
      const exchange2 = send(requestOptions);
      const onAbort = /* @__PURE__ */ __name(() => {
        const error2 = new Error("the request was aborted", { cause: signal.reason });
        exchange2.destroy(error2);
        reject(error2);
      }, "onAbort");
      exchange2.on("error", (error2) => reject(proxy === null ? error2 : throughProxy(error2, proxy)));
      if (signal.aborted) {
        onAbort();
        return;
      }
      signal.addEventListener("abort", onAbort, { once: true });
      exchange2.on("response", (message) => resolve(responseOf(message)));
      exchange2.on("close", () => {
        signal.removeEventListener("abort", onAbort);
        reject(new Error("the connection was closed without an answer"));
      });
      exchange2.end(request.body);
    });
  };
}
__name(createHttpsTransport, "createHttpsTransport");
function headersOf(request, compress) {
  const { accept = "application/json", body } = request;
  return {
    Accept: accept,
    "User-Agent": USER_AGENT,
    ...compress ? { "Accept-Encoding": "gzip" } : {},
    ...body === void 0 ? {} : { "Content-Type": "application/json", "Content-Length": String(Buffer.byteLength(body)) }
  };
}
__name(headersOf, "headersOf");
function responseOf(message) {
  const headers = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== void 0) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return { status: message.statusCode ?? 0, headers, body: decoded2(message) };
}
__name(responseOf, "responseOf");
function decoded2(message) {
  if (message.headers["content-encoding"] !== "gzip") return message;
  const gunzip = (0, import_node_zlib.createGunzip)({ flush: import_node_zlib.constants.Z_SYNC_FLUSH });
  (0, import_node_stream.pipeline)(message, gunzip, () => {
  });
  return gunzip;
}
__name(decoded2, "decoded");

// src/cluster/connection.ts
var SHORTEST_SECRET = 6;
async function connect2(options, signal) {
  const { env, clock = systemClock } = options;
  const secrets = /* @__PURE__ */ new Set();
  const mask = /* @__PURE__ */ __name((secret) => {
    if (secret.length < SHORTEST_SECRET || secrets.has(secret)) return;
    secrets.add(secret);
    options.mask?.(secret);
  }, "mask");
  const target = await beforeTheEnd(findTarget(options), "the kubeconfig had not been read", signal);
  const server = serverOf(target);
  const runsInPod = await unlessAborted(findOwnPod(env, options.serviceAccountFolder), signal);
  const end2 = new AbortController();
  const ending = AbortSignal.any([signal, end2.signal]);
  const credentials = createCredentialSource({ target, env, clock, mask, signal: ending });
  const proxy = proxyFor(server, target.cluster.proxyUrl, env);
  for (const secret of proxy?.secrets ?? []) mask(secret);
  const dialer = createDialer(target, proxy, mask);
  const dial = /* @__PURE__ */ __name(async () => {
    const current = await credentials.current();
    return { credentials: current, dial: await dialer.dial(current) };
  }, "dial");
  const first = await beforeTheEnd(dial(), "there were no credentials yet", signal);
  return {
    transport: createHttpsTransport({
      server,
      dial,
      proxy: proxy?.name ?? null,
      compress: !target.cluster.disableCompression
    }),
    server: target.cluster.server,
    context: target.context,
    source: target.source,
    renewCredentials: /* @__PURE__ */ __name(async () => {
      dialer.renew();
      await credentials.renew();
    }, "renewCredentials"),
    warnings: [
      ...warningsAbout(target, server),
      ...warningsAboutAge(first, target.user, clock.wallMs()),
      ...credentials.warnings()
    ],
    runsOnNode: env.KUBERNETES_SERVICE_HOST ? env.NODE_NAME || env.KUBERNETES_NODE_NAME || null : null,
    runsInPod,
    secrets: /* @__PURE__ */ __name(() => [...secrets], "secrets"),
    close: /* @__PURE__ */ __name(() => {
      end2.abort();
      dialer.close();
    }, "close")
  };
}
__name(connect2, "connect");
var LAST_WORDS_MS = 50;
async function beforeTheEnd(work, what, signal) {
  try {
    return await unlessAborted(work, signal);
  } catch (error2) {
    if (!signal.aborted || isConnectError(error2)) throw error2;
    const lastWords = work.then(
      () => null,
      (rejection) => rejection
    );
    const said2 = await Promise.race([lastWords, sleep(systemClock, LAST_WORDS_MS)]);
    if (isConnectError(said2)) throw said2;
    const message = `${what} when the run ended; a file, pipe or program that the kubeconfig names may not answer`;
    throw new ConnectError(message, { reason: "CredentialsFailed", cause: error2 });
  }
}
__name(beforeTheEnd, "beforeTheEnd");
function serverOf({ cluster, source }) {
  const url = URL.canParse(cluster.server) ? new URL(cluster.server) : null;
  const isPlain = url !== null && `${url.username}${url.password}${url.search}${url.hash}` === "";
  if (isPlain && (url.protocol === "https:" || url.protocol === "http:")) return url;
  throw new ConnectError(
    `the server of the ${source} is no URL of an API server; it must begin with https:// and name a host, and hold no credentials and no query`,
    { reason: "KubeconfigInvalid" }
  );
}
__name(serverOf, "serverOf");
function warningsAbout({ cluster }, server) {
  if (server.protocol === "http:")
    return ["the API server is asked without TLS: everybody on the way can read and change what is said"];
  if (!cluster.skipTlsVerify) return [];
  return [
    "the kubeconfig has insecure-skip-tls-verify: the API server's certificate is not checked, and credentials may go to somebody else"
  ];
}
__name(warningsAbout, "warningsAbout");

// src/cluster/version.ts
var VERSION_LIMIT_BYTES = 100;
async function readKubernetesVersion(api, options) {
  try {
    const version = await api.getJson("/version", options);
    const gitVersion = isRecord(version) ? version.gitVersion : void 0;
    return typeof gitVersion === "string" ? capText(gitVersion, VERSION_LIMIT_BYTES) : "";
  } catch (error2) {
    if (isApiError(error2) && (error2.kind === "forbidden" || error2.kind === "not-found")) return "";
    throw error2;
  }
}
__name(readKubernetesVersion, "readKubernetesVersion");

// src/cluster/server-clock.ts
var DATE_RESOLUTION_MS = 1e3;
function createServerClock(clock) {
  const startedMs = clock.monotonicMs();
  let bounds = null;
  let toldMs = Number.NEGATIVE_INFINITY;
  const offsetMs = /* @__PURE__ */ __name(() => bounds === null ? clock.wallMs() - clock.monotonicMs() : Math.round((bounds.lowMs + bounds.highMs) / 2), "offsetMs");
  return {
    observe: /* @__PURE__ */ __name((date, sentMs, receivedMs) => {
      const serverMs = Date.parse(date ?? "");
      if (Number.isNaN(serverMs) || receivedMs < sentMs) return;
      const seen = { lowMs: serverMs - receivedMs, highMs: serverMs + DATE_RESOLUTION_MS - sentMs };
      const both = bounds === null ? seen : { lowMs: Math.max(bounds.lowMs, seen.lowMs), highMs: Math.min(bounds.highMs, seen.highMs) };
      const contradicts = both.lowMs > both.highMs;
      if (bounds === null || contradicts) toldMs = Number.NEGATIVE_INFINITY;
      bounds = contradicts ? seen : both;
    }, "observe"),
    now: /* @__PURE__ */ __name(() => {
      const monotonicMs = clock.monotonicMs();
      toldMs = Math.max(toldMs, Math.round(monotonicMs + offsetMs()));
      return { atMs: toldMs, elapsedMs: monotonicMs - startedMs };
    }, "now"),
    aheadMs: /* @__PURE__ */ __name(() => bounds === null ? null : offsetMs() - (clock.wallMs() - clock.monotonicMs()), "aheadMs")
  };
}
__name(createServerClock, "createServerClock");

// src/report/secrets.ts
var HIDDEN2 = "***";
var LEAST_SECRET_LENGTH = 6;
var LEAST_LINE_LENGTH = 16;
var LEAST_ENCODED_LENGTH = 8;
var LEAST_BEGINNING_LENGTH = 8;
var LONGEST_BEGINNING = 4096;
var CUT_MARK = "…";
var MOST_CUTS = 64;
function createSecrets() {
  let forms = [];
  const endings = /* @__PURE__ */ new Set();
  return {
    add: /* @__PURE__ */ __name((secret) => {
      forms = [.../* @__PURE__ */ new Set([...forms, ...formsOf(secret)])].sort((one, other) => other.length - one.length);
      for (const form of formsOf(secret)) for (const ending of endingsOf(form)) endings.add(ending);
    }, "add"),
    hide: /* @__PURE__ */ __name((text3) => withoutBeginnings(
      forms.reduce((hidden, form) => hidden.replaceAll(form, HIDDEN2), text3),
      forms,
      endings
    ), "hide")
  };
}
__name(createSecrets, "createSecrets");
function endingsOf(form) {
  const longest = Math.min(form.length, LONGEST_BEGINNING);
  const count = Math.max(0, longest - LEAST_BEGINNING_LENGTH + 1);
  return Array.from({ length: count }, (_, at) => form.slice(at, at + LEAST_BEGINNING_LENGTH));
}
__name(endingsOf, "endingsOf");
function withoutBeginnings(text3, forms, endings) {
  let hidden = text3;
  let cuts = 0;
  for (let at = hidden.lastIndexOf(CUT_MARK); at > 0 && cuts < MOST_CUTS; at = hidden.lastIndexOf(CUT_MARK, at - 1)) {
    cuts += 1;
    if (!endings.has(hidden.slice(Math.max(0, at - LEAST_BEGINNING_LENGTH), at))) continue;
    const from = beginningOfSecret(hidden.slice(0, at), forms);
    if (from !== null) hidden = hidden.slice(0, from) + HIDDEN2 + hidden.slice(at);
  }
  return hidden;
}
__name(withoutBeginnings, "withoutBeginnings");
function beginningOfSecret(text3, forms) {
  let first = null;
  for (const form of forms) {
    const start3 = form.slice(0, LEAST_BEGINNING_LENGTH);
    const earliest = Math.max(0, text3.length - form.length);
    for (let at = text3.indexOf(start3, earliest); at >= 0; at = text3.indexOf(start3, at + 1)) {
      if (!form.startsWith(text3.slice(at))) continue;
      first = Math.min(first ?? at, at);
      break;
    }
  }
  return first;
}
__name(beginningOfSecret, "beginningOfSecret");
function formsOf(secret) {
  if (secret.trim().length < LEAST_SECRET_LENGTH) return [];
  const lines = secret.split(/\r\n|\r|\n/).filter((line) => line.length >= LEAST_LINE_LENGTH && !line.startsWith("---"));
  return [.../* @__PURE__ */ new Set([secret, secret.trim(), ...lines])].flatMap((text3) => [
    text3,
    JSON.stringify(text3).slice(1, -1),
    encodeURIComponent(text3.toWellFormed()),
    encodeURI(text3.toWellFormed()),
    ...text3.length >= LEAST_ENCODED_LENGTH ? base64FormsOf(text3) : []
  ]);
}
__name(formsOf, "formsOf");
function base64FormsOf(text3) {
  return [0, 1, 2].flatMap((before2) => {
    const bytes = Buffer.concat([Buffer.alloc(before2), Buffer.from(text3)]);
    const first = Math.ceil(before2 * 8 / 6);
    const end2 = Math.floor(bytes.byteLength * 8 / 6);
    const form = bytes.toString("base64").slice(first, end2);
    return [form, form.replaceAll("+", "-").replaceAll("/", "_")];
  });
}
__name(base64FormsOf, "base64FormsOf");
function secretFreeSink(sink, { hide }) {
  return {
    line: /* @__PURE__ */ __name((text3) => sink.line(hide(text3)), "line"),
    group: /* @__PURE__ */ __name((title, lines) => sink.group(hide(title), lines.map(hide)), "group"),
    debug: /* @__PURE__ */ __name((text3) => sink.debug(hide(text3)), "debug"),
    status: /* @__PURE__ */ __name((text3) => sink.status(hide(text3)), "status")
  };
}
__name(secretFreeSink, "secretFreeSink");
function secretFreeReport(report, hide) {
  return {
    ...report,
    reason: hide(report.reason),
    cluster: { ...report.cluster, kubernetesVersion: hide(report.cluster.kubernetesVersion) },
    findings: report.findings.map((finding) => ({ ...finding, message: hide(finding.message) })),
    calico: {
      ...report.calico,
      nodes: report.calico.nodes.map((node) => ({
        ...node,
        why: hide(node.why),
        evidence: node.evidence.map((event) => ({ ...event, message: hide(event.message) }))
      }))
    },
    timeline: report.timeline.map(({ at, what }) => ({ at, what: hide(what) })),
    warnings: report.warnings.map(hide)
  };
}
__name(secretFreeReport, "secretFreeReport");

// src/report/sentences.ts
function sentenceOf(event) {
  switch (event.type) {
    case "started":
      return `Calico Health Gate ${event.version}: ${aim(event.settings)}`;
    case "connecting":
      return `connecting to ${event.server} (context ${event.context}, from ${event.source})`;
    case "connected":
      return `connected to ${event.server}${event.kubernetesVersion === "" ? "" : `, Kubernetes ${event.kubernetesVersion}`}`;
    case "missing-right":
      return `missing right: ${event.rule}; ${event.costs}`;
    case "calico-found":
      return `Calico: ${event.installations.map((one) => `DaemonSet ${one.namespace}/${one.daemonSet}`).join(", ")}`;
    case "calico-absent":
      return "no Calico in this cluster: nothing to diagnose there";
    case "view-lost":
      return `${event.wasSeen ? "lost sight of" : "cannot see yet:"} ${event.what}: ${event.why}`;
    case "view-regained":
      return `sees ${event.what} ${event.wasSeen ? "again" : "now"}${catchUp(event.catchUpMs)}`;
    case "outage-over":
      return `the API server was away, and is back${catchUp(event.catchUpMs)}`;
    case "calico-failure":
      return `node ${event.node}: Calico's CNI token is rejected (401 Unauthorized); stuck: ${shortList(event.pods)}: ${event.message}`;
    case "planned":
      return `node ${event.node}: ${event.action}: ${event.why}${event.command === null ? "" : `; by hand: ${event.command}`}`;
    case "restarting":
      return `node ${event.node}: restarting calico-node (deleting pod ${event.pod})`;
    case "restarted":
      return `node ${event.node}: ${event.answer}`;
    case "installed":
      return `node ${event.node}: ${event.pod} has run install-cni, ${formatDuration(roundMs(event.afterMs))} after the restart`;
    case "outcome":
      return `node ${event.node}: ${event.outcome}: ${event.why}`;
    case "stable-window":
      return stableWindow(event);
    case "confirming":
      return event.verdict === "healthy" ? "all stayed ready; confirming with a fresh look at everything" : "making sure with a fresh look at everything";
    case "waiting":
      return `waiting for ${event.what}`;
    case "note":
    case "warning":
      return event.message;
  }
}
__name(sentenceOf, "sentenceOf");
function stableWindow({ stableForMs, leftMs, begunAnew }) {
  const [first, ...others] = begunAnew;
  const goesOn = stableForMs - leftMs >= 1e3;
  const rest = goesOn ? `another ${formatDuration(Math.ceil(leftMs / 1e3) * 1e3)}` : formatDuration(stableForMs);
  const more2 = others.length === 0 ? "" : ` and ${others.length} more`;
  const anew = first === void 0 ? "" : `, anew for ${first.name} (${first.because})${more2}`;
  return `all is ready; it has to stay so for ${rest}${anew}`;
}
__name(stableWindow, "stableWindow");
function catchUp(ms) {
  if (ms === 0) return "";
  return `; nothing is decided for ${formatDuration(roundMs(ms))}, while the kubelets report what happened meanwhile`;
}
__name(catchUp, "catchUp");
function shortList(names) {
  const first = names.slice(0, 3).join(", ");
  return names.length > 3 ? `${first} and ${names.length - 3} more` : first;
}
__name(shortList, "shortList");
function roundMs(ms) {
  return Math.max(0, Math.round(ms / 1e3)) * 1e3;
}
__name(roundMs, "roundMs");
function aim(settings) {
  const { selectorText, timeoutMs, stableForMs, stuckAfterMs, restartCalicoNode: restartCalicoNode2, maxNodeRestarts } = settings;
  const which = selectorText === "" ? "all pods" : `pods with ${selectorText}`;
  const restarts = restartCalicoNode2 && maxNodeRestarts > 0 ? `may restart calico-node on up to ${maxNodeRestarts} ${maxNodeRestarts === 1 ? "node" : "nodes"}` : "changes nothing";
  const stuck2 = stuckAfterMs === 0 ? "" : `, stuck after ${formatDuration(stuckAfterMs)}`;
  const times = `for at most ${formatDuration(timeoutMs)}, stable for ${formatDuration(stableForMs)}${stuck2}`;
  return `${which} ${scopeOf(settings)}, ${times}; ${restarts}`;
}
__name(aim, "aim");
function scopeOf({ namespaces, excludeNamespaces }) {
  if (namespaces.length === 1) return `in namespace ${namespaces[0]}`;
  if (namespaces.length > 1) return `in namespaces ${shortList(namespaces)}`;
  return excludeNamespaces.length > 0 ? `in all namespaces but ${shortList(excludeNamespaces)}` : "in all namespaces";
}
__name(scopeOf, "scopeOf");

// src/run.ts
var TIMELINE_KEPT = 4e3;
function beginRun(settings, options) {
  const { clock = systemClock, timing = TIMING, random = Math.random } = options;
  const serverClock = createServerClock(clock);
  const startedMs = clock.monotonicMs();
  const timeline2 = [];
  const warnings2 = new Set(options.warnings);
  const secrets = createSecrets();
  const soft = new AbortController();
  const hard = new AbortController();
  let cancelHard = /* @__PURE__ */ __name(() => {
  }, "cancelHard");
  const stop = /* @__PURE__ */ __name(() => {
    if (soft.signal.aborted) return;
    cancelHard = clock.after(timing.shutdownMs, () => hard.abort(new Error("the run is over")));
    soft.abort(new Error("the run is over"));
  }, "stop");
  const cancelDeadline = clock.after(settings.timeoutMs, stop);
  if (options.signal.aborted) stop();
  else options.signal.addEventListener("abort", stop, { once: true });
  const tell = /* @__PURE__ */ __name((event, now) => {
    const what = timelineEntry(event);
    if (what !== null) timeline2.push({ now, what });
    if (timeline2.length > TIMELINE_KEPT) timeline2.splice(TIMELINE_KEPT / 2, 1);
    if (event.type === "warning") warnings2.add(event.message);
    options.tell(event, now);
  }, "tell");
  return {
    settings,
    timing,
    clock,
    serverClock,
    random,
    signal: soft.signal,
    hardSignal: hard.signal,
    tell,
    mask: /* @__PURE__ */ __name((secret) => {
      secrets.add(secret);
      options.mask(secret);
    }, "mask"),
    hide: secrets.hide,
    deadlineInMs: /* @__PURE__ */ __name(() => settings.timeoutMs - (clock.monotonicMs() - startedMs), "deadlineInMs"),
    cancelledBy: /* @__PURE__ */ __name(() => options.signal.aborted ? reasonOf(options.signal) : null, "cancelledBy"),
    warn: /* @__PURE__ */ __name((message) => tell({ type: "warning", message }, serverClock.now()), "warn"),
    warnings: /* @__PURE__ */ __name(() => [...warnings2], "warnings"),
    // Times are told in the server's clock as it is known at the end: the first entries were made before it was known.
    timeline: /* @__PURE__ */ __name(() => {
      const { atMs, elapsedMs } = serverClock.now();
      return timeline2.map(({ now, what }) => ({ atMs: atMs - (elapsedMs - now.elapsedMs), what }));
    }, "timeline"),
    close: /* @__PURE__ */ __name(() => {
      cancelDeadline();
      cancelHard();
      options.signal.removeEventListener("abort", stop);
      soft.abort(new Error("the run is over"));
      hard.abort(new Error("the run is over"));
    }, "close")
  };
}
__name(beginRun, "beginRun");
function timelineEntry(event) {
  if (event.type === "assessed" || event.type === "debug" || event.type === "finished") return null;
  if (event.type === "waiting") return null;
  return sentenceOf(event);
}
__name(timelineEntry, "timelineEntry");
function reasonOf(signal) {
  const reason = signal.reason;
  const message = reason instanceof Error ? reason.message : String(reason);
  return message.replace(/^cancelled by /u, "");
}
__name(reasonOf, "reasonOf");
async function tellWhile({ clock, timing, serverClock, tell }, what, work) {
  const done = new AbortController();
  const remind = /* @__PURE__ */ __name(async () => {
    await sleep(clock, timing.heartbeatMs, done.signal);
    if (done.signal.aborted) return;
    tell({ type: "waiting", what: what() }, serverClock.now());
    await remind();
  }, "remind");
  void remind();
  try {
    return await work;
  } finally {
    done.abort();
  }
}
__name(tellWhile, "tellWhile");

// src/contact.ts
async function dialCluster(run3, { env, connect: dial = connect2 }) {
  const { kubeconfig, context } = run3.settings;
  const connection = await dial({ kubeconfig, context, env, mask: run3.mask }, run3.signal);
  const { server, source } = connection;
  run3.tell({ type: "connecting", server, context: connection.context, source }, run3.serverClock.now());
  for (const warning2 of connection.warnings) run3.warn(warning2);
  const api = createApi({
    transport: connection.transport,
    clock: run3.clock,
    serverClock: run3.serverClock,
    renewCredentials: connection.renewCredentials,
    hide: run3.hide,
    signal: run3.hardSignal,
    random: run3.random,
    tell: run3.tell
  });
  return { connection, api };
}
__name(dialCluster, "dialCluster");
var FIRST_ADVICE = "check that the kubeconfig's server is an API server, that it answers, and that this machine may reach it (VPN, firewall, authorized networks, proxy)";
async function meet(run3, { connection, api }) {
  const { server } = connection;
  let trouble = "get /version: no answer yet";
  const onTrouble = /* @__PURE__ */ __name(({ message }) => {
    trouble = message;
  }, "onTrouble");
  try {
    const version = readKubernetesVersion(api, { signal: run3.signal, onTrouble });
    const kubernetesVersion = await tellWhile(run3, () => `${server}: ${trouble}`, version);
    run3.tell({ type: "connected", server, kubernetesVersion }, api.now());
    return kubernetesVersion;
  } catch (error2) {
    if (!isApiError(error2)) throw error2;
    const isLate = error2.kind === "aborted";
    const within = isLate ? ` within ${formatDuration(run3.settings.timeoutMs)}` : "";
    const said2 = isLate ? trouble : error2.message;
    const advice = said2.includes("; ") ? "" : `; ${FIRST_ADVICE}`;
    throw new Error(`no contact with the API server ${server}${within}: ${said2}${advice}`, { cause: error2 });
  }
}
__name(meet, "meet");

// src/crash-logs.ts
var LOG_LINES = 10;
var PODS_LIMIT = 5;
var LOG_LIMIT_BYTES = 2048;
var NO_LOG = /^(?:unable to retrieve container logs for \S+:\/\/\S+|failed to try resolving symlinks in path ".*)$/u;
async function withCrashLogs(findings3, pods, api, signal) {
  const chosen2 = findings3.filter((finding) => finding.stage === "crash" && finding.pod !== null).slice(0, PODS_LIMIT);
  if (chosen2.length === 0) return findings3;
  const byUid = new Map(pods.map((pod) => [pod.uid, pod]));
  const logs = await Promise.all(
    chosen2.map(async (finding) => {
      const pod = byUid.get(finding.uid ?? "");
      return [finding, pod === void 0 ? "" : await crashLog(pod, api, signal)];
    })
  );
  const found = new Map(logs.filter(([, log]) => log !== ""));
  return findings3.map((finding) => {
    const log = found.get(finding);
    return log === void 0 ? finding : { ...finding, message: `${finding.message}; last log lines: ${log}` };
  });
}
__name(withCrashLogs, "withCrashLogs");
async function crashLog(pod, api, signal) {
  const container = crashedContainer(pod);
  if (container === null) return "";
  const query = new URLSearchParams({
    container: container.name,
    tailLines: String(LOG_LINES),
    limitBytes: String(LOG_LIMIT_BYTES),
    previous: String(container.previous)
  });
  try {
    const path2 = `/api/v1/namespaces/${encodeURIComponent(pod.namespace)}/pods/${encodeURIComponent(pod.name)}/log?${query}`;
    const text3 = await api.getText(path2, { signal, tries: 1 });
    if (NO_LOG.test(text3.trim())) return "";
    const cut = Buffer.byteLength(text3) < LOG_LIMIT_BYTES ? text3 : `${text3}…`;
    return cut.trim().split(/\r\n|\r|\n/u).slice(-LOG_LINES).join(" ⏎ ");
  } catch {
    return "";
  }
}
__name(crashLog, "crashLog");
function crashedContainer({ containers }) {
  const ended = containers.flatMap((container) => {
    const end2 = newestEnd(container);
    return end2 === null ? [] : [{ container, end: end2 }];
  });
  const crashed = ended.find(({ end: end2 }) => isAbnormal(end2)) ?? ended.find(({ container }) => container.restartCount > 0);
  if (crashed === void 0) return null;
  const { name, state } = crashed.container;
  return { name, previous: state.kind === "running" };
}
__name(crashedContainer, "crashedContainer");

// src/objects/places.ts
var ORDER = [
  "pods",
  "deployments",
  "statefulsets",
  "daemonsets",
  "jobs",
  "namespaces",
  "events",
  "nodes"
];
var MOST_PLACES = 3;
function placeOf2({
  resource,
  namespace
}) {
  if (resource === "namespaces") return `whether namespace ${namespace} exists`;
  return namespace === null ? resource : `${resource} in namespace ${namespace}`;
}
__name(placeOf2, "placeOf");
function inOrder(gaps) {
  return gaps.toSorted((a, b) => ORDER.indexOf(a.resource) - ORDER.indexOf(b.resource));
}
__name(inOrder, "inOrder");
function placesOf(gaps) {
  const groups = /* @__PURE__ */ new Map();
  for (const gap of gaps) {
    const key = `${gap.resource === "namespaces" ? "?" : ""}${gap.namespace ?? ""}`;
    const group = groups.get(key);
    if (group === void 0) groups.set(key, { first: gap, resources: /* @__PURE__ */ new Set([gap.resource]) });
    else group.resources.add(gap.resource);
  }
  const places = [...groups.values()].map(({ first, resources }) => {
    return resources.size === 1 ? placeOf2(first) : placeOf2({ ...first, resource: listOf2([...resources]) });
  });
  const named2 = places.slice(0, MOST_PLACES).join(", ");
  const more2 = places.length - MOST_PLACES;
  return more2 > 0 ? `${named2} and in ${more2} more ${more2 === 1 ? "namespace" : "namespaces"}` : named2;
}
__name(placesOf, "placesOf");
function listOf2(words) {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} and ${last}`;
}
__name(listOf2, "listOf");

// src/health/blindness.ts
var NEEDED = {
  pods: "pods",
  deployments: "deployments.apps",
  statefulsets: "statefulsets.apps",
  daemonsets: "daemonsets.apps",
  jobs: "jobs.batch",
  namespaces: "namespaces"
};
function neededGaps(coverage) {
  return coverage.gaps.filter(({ resource, why }) => NEEDED[resource] !== void 0 && (resource !== "namespaces" || why !== "forbidden")).sort((a, b) => LASTING[a.why] - LASTING[b.why] || a.sinceMs - b.sinceMs);
}
__name(neededGaps, "neededGaps");
var LASTING = { forbidden: 0, refused: 1, "never-read": 2, stale: 3 };
function isBlind(coverage) {
  return !coverage.complete || neededGaps(coverage).length > 0;
}
__name(isBlind, "isBlind");
function describeBlindness(coverage, nowMs) {
  const { what, why } = unseenIn(coverage, nowMs);
  return `${what}${why}`;
}
__name(describeBlindness, "describeBlindness");
function unseenIn(coverage, nowMs) {
  const gaps = neededGaps(coverage);
  const [worst] = gaps;
  if (worst === void 0) return { what: "the picture of the cluster is not complete", why: "" };
  const alike = inOrder(gaps.filter(({ why }) => why === worst.why));
  const [first = worst] = alike;
  return { what: `${placesOf(alike)} ${stateOf(worst, nowMs)}`, why: said(first) };
}
__name(unseenIn, "unseenIn");
function describeSilence(findings3, coverage, nowMs) {
  const silent2 = findings3.filter(({ cause }) => cause === "SandboxSilent");
  const gap = coverage.gaps.find(({ resource, namespace }) => {
    return resource === "events" && silent2.some((finding) => namespace === null || finding.namespace === namespace);
  });
  return gap === void 0 ? "" : `${placeOf2(gap)} ${stateOf(gap, nowMs)}, which would tell why${said(gap)}`;
}
__name(describeSilence, "describeSilence");
function stateOf(worst, nowMs) {
  switch (worst.why) {
    case "forbidden":
      return "may not be read";
    case "refused":
      return "cannot be read";
    case "never-read":
      return "could not be read even once";
    case "stale":
      return `were last seen ${formatSeconds(nowMs - worst.sinceMs)} ago`;
  }
}
__name(stateOf, "stateOf");
function said(gap) {
  const { message } = gap;
  if (message.includes("; ")) return `: ${message}`;
  return `${message === "" ? "" : `: ${message}`}; ${adviceOn(gap)}`;
}
__name(said, "said");
function adviceOn({ why, resource, namespace }) {
  if (why === "refused")
    return "the API server says so each time, and waiting will not change it: check the kubeconfig's server, and what stands in front of it";
  if (why !== "forbidden") return "check that the API server can be reached and answers";
  return `grant list and watch on ${NEEDED[resource] ?? resource}${namespace === null ? "" : ` in namespace ${namespace}`}`;
}
__name(adviceOn, "adviceOn");

// src/health/done-and-left.ts
var MOST_NAMES = 3;
function doneAndLeft(nodes, restarts, mayRestart) {
  const last = new Map(restarts.map((restart2) => [restart2.node, restart2]));
  const where2 = /* @__PURE__ */ __name((isSo) => [...last.values()].filter(isSo).map(({ node }) => node), "where");
  const cured = where2(({ answer, settled }) => answer === "deleted" && settled === "cured");
  const inVain2 = where2(({ answer, settled }) => answer === "deleted" && settled !== null && settled !== "cured");
  const open2 = where2(({ answer, settled }) => answer === "deleted" && settled === null);
  const unknown2 = where2(({ answer }) => answer === "lost");
  const elsewhere = where2(({ answer }) => answer === "elsewhere");
  const left2 = mayRestart ? nodes.filter(({ action }) => action === "waiting").map(({ node }) => node) : [];
  const untouched = left2.filter((node) => !unknown2.includes(node) && !elsewhere.includes(node));
  return [
    clause(cured, (names) => `calico-node was restarted on ${names}, which cured it`),
    clause(inVain2, (names) => `calico-node was restarted on ${names}, without a cure`),
    clause(open2, (names) => `calico-node was restarted on ${names}, and whether that cures it was not seen any more`),
    clause(unknown2, (names) => `whether calico-node was restarted on ${names} is not known: its DELETE got no answer`),
    clause(elsewhere, (names) => `calico-node on ${names} had been restarted by somebody else`),
    clause(untouched, (names) => `calico-node on ${names} was left as it is`)
  ].flat();
}
__name(doneAndLeft, "doneAndLeft");
function clause(nodes, say) {
  if (nodes.length === 0) return [];
  const names = nodes.slice(0, MOST_NAMES).join(", ");
  return [say(nodes.length > MOST_NAMES ? `${names} and ${nodes.length - MOST_NAMES} more` : names)];
}
__name(clause, "clause");

// src/health/evidence.ts
function resourceOf(finding) {
  if (finding.pod !== null || finding.owner === null) return "pods";
  switch (finding.owner.kind) {
    case "Deployment":
      return "deployments";
    case "StatefulSet":
      return "statefulsets";
    case "DaemonSet":
      return "daemonsets";
    default:
      return "jobs";
  }
}
__name(resourceOf, "resourceOf");
function isFresh(coverage, resource, namespace) {
  return !coverage.gaps.some((gap) => {
    return gap.resource === resource && (gap.namespace === null || namespace === "" || gap.namespace === namespace);
  });
}
__name(isFresh, "isFresh");
function keyOf2(finding) {
  const { namespace, uid, owner, stage, cause } = finding;
  return [namespace, uid ?? `${owner?.kind ?? ""}/${owner?.name ?? ""}`, stage, cause].join(" ");
}
__name(keyOf2, "keyOf");
function nextEvidence(before2, findings3, coverage, nowMs) {
  const isFreshFinding = /* @__PURE__ */ __name((finding) => isFresh(coverage, resourceOf(finding), finding.namespace), "isFreshFinding");
  const seen = findings3.filter((finding) => finding.holdsBack && isFreshFinding(finding)).map((finding) => ({ finding, seenAtMs: nowMs }));
  if (coverage.gaps.length === 0) return seen;
  return [...seen, ...before2.filter(({ finding }) => !isFreshFinding(finding))];
}
__name(nextEvidence, "nextEvidence");
function freezeUnseen(findings3, before2, coverage) {
  if (coverage.gaps.length === 0) return findings3;
  const known = new Map(before2.map(({ finding }) => [keyOf2(finding), finding]));
  return findings3.map((finding) => {
    if (finding.pod !== null || isFresh(coverage, resourceOf(finding), finding.namespace)) return finding;
    return { ...finding, fatal: known.get(keyOf2(finding))?.fatal ?? false, fatalAtMs: null };
  });
}
__name(freezeUnseen, "freezeUnseen");

// src/health/worst-first.ts
var ORDER2 = new Map(Object.keys(CAUSES).map((cause, index) => [cause, index]));
function compareCauses(a, b) {
  return (ORDER2.get(a) ?? ORDER2.size) - (ORDER2.get(b) ?? ORDER2.size);
}
__name(compareCauses, "compareCauses");

// src/health/finding-order.ts
function compareFindings(a, b) {
  return Number(b.holdsBack) - Number(a.holdsBack) || Number(b.fatal) - Number(a.fatal) || Number(a.derivedFrom !== null) - Number(b.derivedFrom !== null) || compareCauses(a.cause, b.cause) || a.sinceMs - b.sinceMs || compareNames(a, b);
}
__name(compareFindings, "compareFindings");
function compareNames(a, b) {
  const left2 = nameOf2(a);
  const right = nameOf2(b);
  if (left2 === right) return 0;
  return left2 < right ? -1 : 1;
}
__name(compareNames, "compareNames");
function nameOf2(finding) {
  return `${finding.namespace}/${finding.pod ?? finding.owner?.name ?? ""}`;
}
__name(nameOf2, "nameOf");

// src/health/reason.ts
var MESSAGE_LIMIT = 300;
var RESTART_LIMIT = 700;
var MOST_NAMES2 = 3;
function reasonOfTrouble(findings3, context) {
  const sorted = [...findings3].sort(compareFindings);
  const [worst] = sorted;
  if (worst === void 0) return "not everything in scope is ready";
  const same = sorted.filter((finding) => isSameTrouble(finding, worst));
  const others = countTroubles(
    sorted.filter((finding) => !isSameTrouble(finding, worst) && finding.derivedFrom === null)
  );
  const rest = others === 0 ? "" : `; ${others} more ${others === 1 ? "thing is" : "things are"} wrong, see the findings`;
  return `${isOfNode(worst) ? ofNodes(same, worst, context) : ofWorkload(same, worst, context)}${rest}`;
}
__name(reasonOfTrouble, "reasonOfTrouble");
function isOfNode(finding) {
  return finding.node !== null && (finding.cause === "CalicoUnauthorized" || finding.cause === "NodeNotReady");
}
__name(isOfNode, "isOfNode");
function isSameTrouble(finding, worst) {
  if (finding.cause !== worst.cause) return false;
  if (isOfNode(worst)) return isOfNode(finding);
  return finding.namespace === worst.namespace && subjectOf(finding) === subjectOf(worst);
}
__name(isSameTrouble, "isSameTrouble");
function countTroubles(findings3) {
  return new Set(findings3.map((finding) => `${finding.cause} ${isOfNode(finding) ? finding.node : subjectOf(finding)}`)).size;
}
__name(countTroubles, "countTroubles");
function subjectOf(finding) {
  const name = finding.owner?.name ?? finding.pod;
  return name === null ? "" : fullName({ namespace: finding.namespace, name });
}
__name(subjectOf, "subjectOf");
function ofNodes(findings3, worst, context) {
  const nodes = [...new Set(findings3.map(({ node }) => node ?? ""))].sort();
  const pods = findings3.length === 1 ? `pod ${podOf(worst)}` : `${findings3.length} pods`;
  const where2 = nodes.length === 1 ? `on ${nodes[0]}` : `on ${nodes.length} nodes (${someOf(nodes)})`;
  if (worst.cause === "NodeNotReady") {
    const are = findings3.length === 1 ? "is" : "are";
    return `${pods} ${where2} ${are} not ready: ${shorten(worst.message)} (${sinceOf(worst, context)}); ${adviceFor(worst)}`;
  }
  const what = `${pods} ${where2} cannot ${networkNeed(findings3)}`;
  const cause = "Calico's CNI token is rejected by the API server (401 Unauthorized)";
  return `${what}: ${cause}, ${sinceOf(oldestOf(findings3), context)}; ${calicoAdvice(worst, nodes, context)}`;
}
__name(ofNodes, "ofNodes");
function networkNeed(findings3) {
  const leaving = findings3.filter(({ stage }) => stage === "terminating").length;
  if (leaving === 0) return "get a network";
  if (leaving < findings3.length) return "get or give back their network";
  return findings3.length === 1 ? "give back its network and end" : "give back their network and end";
}
__name(networkNeed, "networkNeed");
function didNotCure({ settled }) {
  return settled === "not-cured" || settled === "timed-out";
}
__name(didNotCure, "didNotCure");
function nodeToAdvise(nodes, { nodes: plans, restarts }) {
  const failed4 = restarts.find((restart2) => nodes.includes(restart2.node) && didNotCure(restart2));
  return failed4?.node ?? plans.find(({ node }) => nodes.includes(node))?.node;
}
__name(nodeToAdvise, "nodeToAdvise");
function calicoAdvice(worst, nodes, context) {
  const node = nodeToAdvise(nodes, context) ?? worst.node ?? "";
  const where2 = nodes.length === 1 ? "there" : `on ${node}`;
  const restart2 = context.restarts.findLast((one) => one.node === node);
  if (restart2 !== void 0 && didNotCure(restart2)) {
    const inTime = restart2.settled === "timed-out" ? " in time" : "";
    return `restarting calico-node ${where2} did not cure it${inTime}: ${shorten(restart2.why, RESTART_LIMIT)}`;
  }
  if (restart2?.settled === "cured") {
    return `restarting calico-node ${where2} cured it (${shorten(restart2.why, RESTART_LIMIT)}), and it is not restarted twice in a run: if this goes on, look at these pods and at what became of the token since`;
  }
  const plan = context.nodes.find((one) => one.node === node);
  switch (plan?.action) {
    case "planned": {
      const setting = context.mayRestart ? "" : ", or let the gate do it with restart-calico-node";
      const others = nodes.length === 1 ? "" : ", then on the others, one node at a time";
      return `restart calico-node ${where2}${plan.command === null ? "" : `: ${plan.command}`}${others}${setting}`;
    }
    case "refused":
      return `calico-node ${where2} may not be restarted by this run: ${shorten(plan.why, RESTART_LIMIT)}${byHand(plan)}`;
    case "waiting":
      return `calico-node ${where2} was not restarted yet: ${shorten(plan.why, RESTART_LIMIT)}`;
    case "restarted":
      return `calico-node ${where2} was restarted, without proof of a cure yet: ${shorten(plan.why, RESTART_LIMIT)}`;
    case "none":
      return `calico-node ${where2} needs no restart: ${shorten(plan.why, RESTART_LIMIT)}; look at pod ${podOf(worst)} and at the kubelet of its node`;
    case void 0:
      return adviceFor(worst);
  }
}
__name(calicoAdvice, "calicoAdvice");
function byHand({ command }) {
  return command === null ? "" : `; by hand: ${command}`;
}
__name(byHand, "byHand");
function ofWorkload(findings3, worst, context) {
  const subject = subjectOf(worst);
  const about = subject === "" ? "" : `${subject}: `;
  const waits = worst.derivedFrom === null ? "" : `, waits for ${worst.derivedFrom}`;
  const what = `${shareOf(findings3, worst, context)}${inPlainWords(worst)}${shorten(worst.message)}`;
  const example = worst.pod === null || podOf(worst) === subject ? "" : `${podOf(worst)}, `;
  const because = behindDeadline(worst, context);
  const advice = because === null ? adviceFor(worst) : `${podOf(because)}: ${shorten(because.message)}; ${adviceFor(because)}`;
  return `${about}${what} (${example}${sinceOf(worst, context)}${waits}); ${advice}`;
}
__name(ofWorkload, "ofWorkload");
function inPlainWords({ stage, cause }) {
  const isAboutSandbox = stage === "sandbox" || stage === "terminating" && cause !== "StuckTerminating";
  return isAboutSandbox && cause !== "Unknown" && cause !== "SandboxSilent" ? `${CAUSES[cause].title}: ` : "";
}
__name(inPlainWords, "inPlainWords");
function behindDeadline(worst, { assessment }) {
  if (worst.cause !== "ProgressDeadline") return null;
  const ofItsPods = assessment.findings.filter(
    ({ pod, namespace, owner, holdsBack }) => pod !== null && holdsBack && namespace === worst.namespace && owner?.kind === worst.owner?.kind && owner?.name === worst.owner?.name
  );
  return ofItsPods.sort(compareFindings)[0] ?? null;
}
__name(behindDeadline, "behindDeadline");
function shareOf(findings3, worst, { assessment }) {
  if (worst.pod === null || worst.owner === null) return "";
  const workload = assessment.workloads.find(
    ({ kind, namespace, name }) => kind === worst.owner?.kind && namespace === worst.namespace && name === worst.owner.name
  );
  const count = findings3.length;
  if (worst.stage === "terminating") return count === 1 ? "" : `${count} pods do not end: `;
  if (workload === void 0 || workload.desired < count) return count === 1 ? "" : `${count} pods are not ready: `;
  const ofRollOut = shareOfNew(findings3, workload.old);
  if (ofRollOut !== null) return ofRollOut;
  if (workload.ready + count > workload.desired) return `${count} ${count === 1 ? "pod is" : "pods are"} not ready: `;
  return workload.desired === 1 ? "" : `${count} of ${workload.desired} pods ${count === 1 ? "is" : "are"} not ready: `;
}
__name(shareOf, "shareOf");
function shareOfNew(findings3, old) {
  if (old === void 0 || findings3.some(({ pod }) => pod !== null && old.pods.has(pod))) return null;
  const are = findings3.length === 1 ? "1 new pod is" : `${findings3.length} new pods are`;
  const still = old.ready === 1 ? " (1 old one still is)" : ` (${old.ready} old ones still are)`;
  return `${are} not ready${old.ready === 0 ? "" : still}: `;
}
__name(shareOfNew, "shareOfNew");
function podOf(finding) {
  return fullName({ namespace: finding.namespace, name: finding.pod ?? "" });
}
__name(podOf, "podOf");
function oldestOf(findings3) {
  return findings3.reduce((oldest, finding) => finding.sinceMs < oldest.sinceMs ? finding : oldest);
}
__name(oldestOf, "oldestOf");
function sinceOf(finding, context) {
  return `for ${formatSeconds(context.nowMs - finding.sinceMs)}`;
}
__name(sinceOf, "sinceOf");
function someOf(names) {
  const first = names.slice(0, MOST_NAMES2).join(", ");
  return names.length > MOST_NAMES2 ? `${first} and ${names.length - MOST_NAMES2} more` : first;
}
__name(someOf, "someOf");
function shorten(message, limit = MESSAGE_LIMIT) {
  const line = message.replaceAll(/\s+/g, " ").trim();
  if (line === "") return "no reason is given";
  const characters = [...line];
  if (characters.length <= limit) return line;
  const head2 = Math.ceil(limit / 2);
  return `${characters.slice(0, head2).join("")} … ${characters.slice(head2 - limit + 3).join("")}`;
}
__name(shorten, "shorten");
function reasonOfHealth(context) {
  const { assessment, restarts, stableForMs } = context;
  const { ready, starting, total } = assessment.counts;
  const workloads2 = assessment.workloads.length;
  const within = workloads2 === 0 ? "" : ` in ${workloads2} ${workloads2 === 1 ? "workload" : "workloads"}`;
  const stayed = stableForMs === 0 ? "" : ` and stayed so for ${formatSeconds(stableForMs)}`;
  const all = ready === 1 ? `1 pod${within} is ready${stayed}` : `all ${ready} pods${within} are ready${stayed}`;
  const clauses = [ready > 0 ? all : nothingReady(total, workloads2)];
  if (starting > 0) clauses.push(`${starting} starting ${starting === 1 ? "pod was" : "pods were"} not judged`);
  const cured = [...new Set(restarts.filter(({ outcome }) => outcome === "cured").map(({ node }) => node))];
  if (cured.length > 0)
    clauses.push(`restarting calico-node on ${someOf(cured)} cured Calico's authorization failure there`);
  return clauses.join("; ");
}
__name(reasonOfHealth, "reasonOfHealth");
function nothingReady(total, workloads2) {
  if (total === 0 && workloads2 === 0) return "nothing is in scope, which min-pods: 0 allows";
  return `nothing in scope has to be ready (${total} ${total === 1 ? "pod" : "pods"}, ${workloads2} ${workloads2 === 1 ? "workload" : "workloads"})`;
}
__name(nothingReady, "nothingReady");
function describeUnstable(unstable) {
  const first = unstable.slice(0, MOST_NAMES2).map(({ name, completeForMs: completeForMs2, because, begunAnew }) => {
    const often = begunAnew > 1 ? `begun anew ${begunAnew} times, last because ${because}` : because;
    return `${name} for ${formatSeconds(completeForMs2)}${often === "" ? "" : ` (${often})`}`;
  });
  const more2 = unstable.length > MOST_NAMES2 ? ` and ${unstable.length - MOST_NAMES2} more` : "";
  return `${first.join(", ")}${more2}`;
}
__name(describeUnstable, "describeUnstable");
function titleOf(finding) {
  return `${subjectOf(finding) || "the scope"}: ${CAUSES[finding.cause].title}`;
}
__name(titleOf, "titleOf");

// src/health/verdict.ts
function judge(input) {
  const { assessment, settings, coverage } = input;
  if (input.cancelled !== null) return inconclusive(cancelledReason(input, input.cancelled));
  if (input.apiFailure !== null) return endBlind(input, input.apiFailure.message);
  const blind = isBlind(coverage);
  const isCaughtUp = input.catchUpLeftMs === 0;
  const isSteady = !blind && isCaughtUp && assessment.complete && assessment.unstable.length === 0;
  const withEvents = hangsOnEvents(assessment);
  const isOwnConfirmation = settings.stableForMs === 0 && !withEvents;
  if (isSteady && (input.confirmed || isOwnConfirmation) && mayEnd(input)) {
    return end("healthy", reasonOfHealth(reasonContext(input)));
  }
  if (input.deadlineReached) return atDeadline(input, blind);
  const holdingBack = assessment.findings.filter(({ holdsBack }) => holdsBack);
  if (holdingBack.some(({ fatal }) => fatal) && settings.failFast && !input.cureInProgress && isCaughtUp) {
    if (!input.confirmed && !blind) return { kind: "confirm", verdict: "unhealthy", withEvents: false };
    return unhealthy(input, holdingBack, blind);
  }
  if (isUselessToWait(input)) return endBlind(input, describeBlindness(coverage, input.now.atMs));
  if (isSteady && !input.cureInProgress) return { kind: "confirm", verdict: "healthy", withEvents };
  return { kind: "wait", why: whyWaiting(input, blind) };
}
__name(judge, "judge");
function hangsOnEvents({ counts, findings: findings3 }) {
  return counts.starting > 0 || findings3.some(({ stage }) => stage === "terminating");
}
__name(hangsOnEvents, "hangsOnEvents");
function mayEnd(input) {
  return !input.cureInProgress || input.deadlineReached;
}
__name(mayEnd, "mayEnd");
function endBlind(input, why) {
  const fatal = input.memory.evidence.map(({ finding }) => finding).filter((finding) => finding.fatal);
  if (fatal.length === 0) return inconclusive(`${why}${lastSeenOf(input)}`);
  return end("unhealthy", `${reasonOfTrouble(fatal, reasonContext(input))}; besides, ${why}`);
}
__name(endBlind, "endBlind");
function lastSeenOf({ memory }) {
  const [worst] = memory.evidence.map(({ finding }) => finding).sort(compareFindings);
  return worst === void 0 ? "" : `; when last seen, ${titleOf(worst)}`;
}
__name(lastSeenOf, "lastSeenOf");
function atDeadline(input, blind) {
  const { assessment, settings, now, timing, coverage } = input;
  const counts = /* @__PURE__ */ __name(({ finding, seenAtMs }) => finding.fatal || now.atMs - seenAtMs <= timing.recentEvidenceMs, "counts");
  const evidence2 = input.memory.evidence.filter(counts).map(({ finding }) => finding);
  const timeout = formatDuration(settings.timeoutMs);
  if (evidence2.length > 0) return unhealthy(input, evidence2, blind, `; the timeout of ${timeout} is over`);
  if (blind) {
    const blindness = describeBlindness(coverage, now.atMs);
    return inconclusive(`no verdict within ${timeout}: ${blindness}${lastSeenOf(input)}`);
  }
  if (assessment.unstable.length > 0) {
    const stable = formatDuration(settings.stableForMs);
    const open2 = describeUnstable(assessment.unstable);
    const flaps = assessment.unstable.some(({ begunAnew }) => begunAnew > 1);
    const advice = flaps ? "find out why it does not stay ready" : "raise timeout";
    return inconclusive(
      `everything was ready at the timeout of ${timeout}, but not yet for ${stable} (stable-for): ${open2}; ${advice}`
    );
  }
  if (input.catchUpLeftMs > 0) {
    return inconclusive(
      `everything was ready at the timeout of ${timeout}, but the API server had just come back into sight, and kubelets need up to ${formatSeconds(timing.catchUpMs)} to report what happened meanwhile; raise timeout`
    );
  }
  return inconclusive(
    `everything was ready at the timeout of ${timeout}, but no fresh list had confirmed it; raise timeout`
  );
}
__name(atDeadline, "atDeadline");
function isUselessToWait({ assessment, settings, coverage, cureInProgress }) {
  const gaps = neededGaps(coverage);
  const lasting2 = gaps.filter(({ why }) => isLasting(why));
  if (lasting2.length === 0 || cureInProgress) return false;
  if (isNoPodSeen(lasting2, settings.namespaces)) return true;
  const isRestSeen = lasting2.length === gaps.length;
  return settings.failFast && isRestSeen && !assessment.findings.some(isTroubleInSight);
  function isTroubleInSight(finding) {
    return finding.holdsBack && isFresh(coverage, resourceOf(finding), finding.namespace);
  }
  __name(isTroubleInSight, "isTroubleInSight");
}
__name(isUselessToWait, "isUselessToWait");
function isNoPodSeen(lasting2, namespaces) {
  const unseen = new Set(lasting2.filter(({ resource }) => resource === "pods").map(({ namespace }) => namespace));
  return unseen.has(null) || namespaces.length > 0 && namespaces.every((namespace) => unseen.has(namespace));
}
__name(isNoPodSeen, "isNoPodSeen");
function unhealthy(input, findings3, blind, ending = "") {
  const { coverage, now } = input;
  const unseen = [describeSilence(findings3, coverage, now.atMs), blind ? describeBlindness(coverage, now.atMs) : ""];
  const besides = unseen.map((clause2) => clause2 === "" ? "" : `; besides, ${clause2}`).join("");
  return end("unhealthy", `${reasonOfTrouble(findings3, reasonContext(input))}${ending}${besides}`);
}
__name(unhealthy, "unhealthy");
function inconclusive(reason) {
  return end("inconclusive", reason);
}
__name(inconclusive, "inconclusive");
function end(verdict, reason) {
  return { kind: "end", verdict, reason };
}
__name(end, "end");
function cancelledReason({ assessment, now, nodes, restarts, settings }, by) {
  const { ready, total } = assessment.counts;
  const after = formatSeconds(now.elapsedMs);
  const [worst] = assessment.findings.filter(({ holdsBack }) => holdsBack);
  const state = total === 0 ? "" : `: ${ready} of ${total} pods were ready${worst === void 0 ? "" : `; ${titleOf(worst)}`}`;
  const work = doneAndLeft(nodes, restarts, settings.restartCalicoNode);
  return [`cancelled by ${by} after ${after}${state}`, ...work].join("; ");
}
__name(cancelledReason, "cancelledReason");
function whyWaiting(input, blind) {
  const { assessment, coverage, now, cureInProgress } = input;
  if (blind) return describeBlindness(coverage, now.atMs);
  if (input.catchUpLeftMs > 0) return "kubelets have to report what happened while nothing could be seen";
  if (cureInProgress) return "a cure is under way";
  const [worst] = assessment.findings.filter(({ holdsBack }) => holdsBack);
  if (worst !== void 0) return titleOf(worst);
  if (assessment.unstable.length > 0) return `ready, and has to stay so: ${describeUnstable(assessment.unstable)}`;
  return "not everything in scope is complete yet";
}
__name(whyWaiting, "whyWaiting");
function reasonContext(input) {
  const { assessment, nodes, restarts, now, settings } = input;
  return {
    assessment,
    nodes,
    restarts,
    nowMs: now.atMs,
    mayRestart: settings.restartCalicoNode,
    stableForMs: settings.stableForMs
  };
}
__name(reasonContext, "reasonContext");

// src/calico/diagnosis.ts
function diagnose(observation, memory) {
  const { snapshot, sandboxErrors } = observation;
  if (sandboxErrors.size === 0) return [];
  const stuck2 = snapshot.pods.filter((pod) => sandboxErrors.get(pod.uid)?.cause === "CalicoUnauthorized");
  if (stuck2.length === 0) return [];
  const eventsByUid = eventsAbout(new Set(stuck2.map((pod) => pod.uid)), snapshot.events);
  const byNode = /* @__PURE__ */ new Map();
  for (const pod of stuck2) {
    const error2 = sandboxErrors.get(pod.uid);
    if (error2 === void 0 || pod.nodeName === null) continue;
    const events = eventsByUid.get(pod.uid) ?? [];
    const node = memory.nodes.get(pod.nodeName);
    const sign = signOfHealth(pod, events, node, observation);
    const lacks = tooEarly(heldForMs(pod, error2, node?.pods.get(pod.uid), observation.now.atMs), observation) ?? waitsForVolume(pod, events, observation) ?? sign?.words ?? null;
    const judged2 = { stuckPod: { pod, error: error2, proven: lacks === null, lacks }, well: sign?.lasting === true };
    const there = byNode.get(pod.nodeName);
    if (there === void 0) byNode.set(pod.nodeName, [judged2]);
    else there.push(judged2);
  }
  return [...byNode].map(([node, judged2]) => {
    const stuckPods = judged2.map(({ stuckPod }) => stuckPod);
    return {
      node,
      stuckPods,
      firstAtMs: Math.min(...stuckPods.map(({ error: error2 }) => error2.firstAtMs)),
      lastAtMs: Math.max(...stuckPods.map(({ error: error2 }) => error2.lastAtMs)),
      proven: stuckPods.some(({ proven }) => proven),
      lacks: stuckPods.some(({ proven }) => proven) ? null : stuckPods[0]?.lacks ?? null,
      well: judged2.every(({ well }) => well)
    };
  });
}
__name(diagnose, "diagnose");
function eventsAbout(uids, events) {
  const byUid = /* @__PURE__ */ new Map();
  for (const event of events) {
    if (!uids.has(event.about.uid)) continue;
    const known = byUid.get(event.about.uid);
    if (known === void 0) byUid.set(event.about.uid, [event]);
    else known.push(event);
  }
  return byUid;
}
__name(eventsAbout, "eventsAbout");
function heldForMs(pod, { storedAtMs, event }, trace, nowMs) {
  const seenSinceMs = trace?.failingSinceMs ?? nowMs;
  const failingSinceMs = isAggregated(event.message) ? Math.min(storedAtMs, seenSinceMs) : storedAtMs;
  const stuckSinceMs = Math.min(heldSinceMs(pod, nowMs) ?? seenSinceMs, seenSinceMs);
  return nowMs - Math.max(failingSinceMs, stuckSinceMs);
}
__name(heldForMs, "heldForMs");
function tooEarly(stuckForMs, { timing }) {
  if (stuckForMs >= timing.calicoStuckMs) return null;
  return `stuck for ${formatSeconds(stuckForMs)}, which counts after ${formatSeconds(timing.calicoStuckMs)}`;
}
__name(tooEarly, "tooEarly");
function waitsForVolume(pod, events, { now, timing }) {
  for (const event of events) {
    if (event.reason !== "FailedMount" && event.reason !== "FailedAttachVolume") continue;
    if (event.namespace !== pod.namespace) continue;
    const agoMs = now.atMs - latestMs(event);
    if (agoMs < timing.volumeEventMs) {
      return `the pod reported ${event.reason} ${formatSeconds(agoMs)} ago: it may be a volume that it waits for`;
    }
  }
  return null;
}
__name(waitsForVolume, "waitsForVolume");
function latestMs(event) {
  const last = lastTimeOf(event);
  const behindMs = Math.max(0, event.createdAtMs - firstHappenedAtMs(event));
  return Math.min(onServerMs(last) + behindMs, last.notAfterMs);
}
__name(latestMs, "latestMs");
function signOfHealth(pod, events, node, observation) {
  if (node === void 0) return null;
  const own = node.newestSandboxOf.get(pod.namespace);
  const others = [...node.firstSandboxOf.values()].filter(({ namespace }) => namespace !== pod.namespace);
  const signs = [...own === void 0 ? [] : [own], ...others].map(
    (sandbox) => signIn(sandbox, pod, events, node, observation)
  );
  return signs.find((sign) => sign?.lasting === false) ?? signs.find((sign) => sign !== null) ?? null;
}
__name(signOfHealth, "signOfHealth");
function signIn(sandbox, pod, events, { lastMatch }, { now, timing }) {
  const afterMs = lastMatch === null ? 0 : gapMs(lastMatch.moment, sandbox.moment);
  if (afterMs <= timing.wellSandboxAfterMs) return null;
  const words = `${sandbox.pod} got its network on the node ${formatSeconds(afterMs)} after the last failure`;
  const sinceMs = now.atMs - onServerMs(sandbox.moment);
  if (sinceMs < timing.wellSandboxWaitMs) {
    return {
      words: `${words}: the pod has ${formatSeconds(timing.wellSandboxWaitMs - sinceMs)} to follow`,
      lasting: false
    };
  }
  const triedSince = events.some(
    (event) => event.reason === "SandboxChanged" && isFromItsKubelet(event, pod) && gapMs(sandbox.moment, lastTimeOf(event)) > 0
  );
  return triedSince ? null : { words: `${words}, so the node is well`, lasting: true };
}
__name(signIn, "signIn");

// src/calico/pod-traces.ts
function errorWithFailure(pod, observation) {
  const error2 = observation.sandboxErrors.get(pod.uid);
  return error2?.cause === "CalicoUnauthorized" ? error2 : null;
}
__name(errorWithFailure, "errorWithFailure");
function tracePods(known, there, retries, observation) {
  const nowMs = observation.now.atMs;
  const traces = /* @__PURE__ */ new Map();
  for (const pod of there) {
    const failing = errorWithFailure(pod, observation) !== null;
    const held = failing && isOverdue(pod, nowMs, observation.timing.overdueSlackMs);
    traces.set(pod.uid, tracePod(known.get(pod.uid), pod, { failing, held }, retries.get(pod.uid), nowMs));
  }
  for (const [uid, trace] of known) {
    if (traces.has(uid) || trace.endedAtMs === null) continue;
    traces.set(uid, { ...trace, goneAtMs: trace.goneAtMs ?? nowMs });
  }
  return traces;
}
__name(tracePods, "tracePods");
function tracePod(known, pod, { failing, held }, retry, nowMs) {
  const sandbox = isPastItsSandbox(pod) || hasSandbox(pod);
  const heldByDel = held || known?.heldByDel === true;
  const ended = heldByDel && hasEnded(pod) && !isLeftBehind(pod);
  const moved = known !== void 0 && known.calicoPodIp !== pod.calicoPodIp;
  return {
    pod: fullName(pod),
    lastWithoutAtMs: sandbox === false ? nowMs : known?.lastWithoutAtMs ?? null,
    firstWithAtMs: sandbox === true ? known?.firstWithAtMs ?? nowMs : null,
    isSaidLate: known?.isSaidLate === true || sandbox === true && hasSandbox(pod) !== true,
    failingSinceMs: failing ? known?.failingSinceMs ?? nowMs : null,
    heldByDel,
    endedAtMs: ended ? known?.endedAtMs ?? nowMs : null,
    goneAtMs: null,
    calicoPodIp: pod.calicoPodIp,
    addressChangedAtMs: moved ? nowMs : known?.addressChangedAtMs ?? null,
    retries: addRetry(known?.retries ?? [], retry)
  };
}
__name(tracePod, "tracePod");
function isLeftBehind(pod) {
  return conditionOf(pod.conditions, "DisruptionTarget")?.reason === "DeletionByPodGC";
}
__name(isLeftBehind, "isLeftBehind");
var MAX_RETRIES_PER_POD = 64;
function addRetry(known, retry) {
  if (retry === void 0 || known.at(-1)?.count === retry.count) return known;
  return [...known, retry].slice(-MAX_RETRIES_PER_POD);
}
__name(addRetry, "addRetry");
function retriesOf(uids, { snapshot }) {
  if (uids.size === 0) return /* @__PURE__ */ new Map();
  const pods = new Map(snapshot.pods.filter((pod) => uids.has(pod.uid)).map((pod) => [pod.uid, pod]));
  const latest = /* @__PURE__ */ new Map();
  for (const event of snapshot.events) {
    if (event.reason !== "SandboxChanged") continue;
    const pod = pods.get(event.about.uid);
    if (pod === void 0 || !isFromItsKubelet(event, pod)) continue;
    const atMs = lastHappenedAtMs(event);
    if (atMs <= (latest.get(pod.uid)?.atMs ?? Number.NEGATIVE_INFINITY)) continue;
    latest.set(pod.uid, { retry: { count: event.count, moment: lastTimeOf(event) }, atMs });
  }
  return new Map([...latest].map(([uid, { retry }]) => [uid, retry]));
}
__name(retriesOf, "retriesOf");

// src/calico/memory.ts
var EMPTY_CALICO_MEMORY = { foundAtMs: null, nodes: /* @__PURE__ */ new Map(), readyAtMs: /* @__PURE__ */ new Map() };
function rememberCalico(memory, observation) {
  const stuckNow = podsStuckWithFailure(observation);
  if (stuckNow.length === 0 && memory.nodes.size === 0) return memory;
  const nowMs = observation.now.atMs;
  const names = new Set(memory.nodes.keys());
  for (const pod of stuckNow) if (pod.nodeName !== null) names.add(pod.nodeName);
  const podsByNode = networkPodsOn(names, observation);
  const calicoNodePods = podsOfInstallations(observation);
  const retries = retriesOf(new Set(stuckNow.map((pod) => pod.uid)), observation);
  const nodes = /* @__PURE__ */ new Map();
  for (const name of names) {
    const known = memory.nodes.get(name) ?? newNode(nowMs);
    const there = podsByNode.get(name) ?? [];
    const sandboxes = sandboxesOf(there, known.pods, nowMs);
    const lastMatchOf = newestOfEach(known.lastMatchOf, matchesOn(there, observation));
    nodes.set(name, {
      ...known,
      evidence: addEvidence(known.evidence, stuckNow, name, observation),
      lastMatch: newest(known.lastMatch, matchesOn(there, observation)),
      lastMatchOf,
      newestSandbox: newest(known.newestSandbox, sandboxes),
      newestSandboxOf: newestOfEach(known.newestSandboxOf, sandboxes),
      firstSandboxOf: firstOfEach(known.firstSandboxOf, sandboxes, lastMatchOf, observation),
      pods: tracePods(known.pods, there, retries, observation),
      installs: traceInstalls(known.installs, calicoNodePods, name, nowMs)
    });
  }
  const next = {
    foundAtMs: memory.foundAtMs ?? nowMs,
    nodes,
    readyAtMs: readyTimes(memory.readyAtMs, calicoNodePods, nowMs)
  };
  return markProven(next, observation);
}
__name(rememberCalico, "rememberCalico");
function newNode(nowMs) {
  return {
    foundAtMs: nowMs,
    provenAtMs: null,
    evidence: /* @__PURE__ */ new Map(),
    lastMatch: null,
    lastMatchOf: /* @__PURE__ */ new Map(),
    newestSandbox: null,
    newestSandboxOf: /* @__PURE__ */ new Map(),
    firstSandboxOf: /* @__PURE__ */ new Map(),
    pods: /* @__PURE__ */ new Map(),
    installs: /* @__PURE__ */ new Map()
  };
}
__name(newNode, "newNode");
function markProven(memory, observation) {
  const nodes = new Map(memory.nodes);
  for (const { node, proven, well } of diagnose(observation, memory)) {
    const known = nodes.get(node);
    if (known === void 0) continue;
    if (proven && known.provenAtMs === null) nodes.set(node, { ...known, provenAtMs: observation.now.atMs });
    if (well && wasWellBefore(known)) nodes.set(node, { ...known, provenAtMs: null });
  }
  return { ...memory, nodes };
}
__name(markProven, "markProven");
function wasWellBefore({ newestSandbox, foundAtMs }) {
  return newestSandbox !== null && onServerMs(newestSandbox.moment) < foundAtMs;
}
__name(wasWellBefore, "wasWellBefore");
function podsStuckWithFailure(observation) {
  if (observation.sandboxErrors.size === 0) return [];
  return observation.snapshot.pods.filter((pod) => errorWithFailure(pod, observation) !== null);
}
__name(podsStuckWithFailure, "podsStuckWithFailure");
function networkPodsOn(nodes, { snapshot }) {
  const byNode = new Map([...nodes].map((node) => [node, /* @__PURE__ */ new Map()]));
  for (const pods of [snapshot.witnesses, snapshot.calico.pods, snapshot.pods]) {
    for (const pod of pods) {
      if (pod.nodeName !== null && !pod.hostNetwork) byNode.get(pod.nodeName)?.set(pod.uid, pod);
    }
  }
  return new Map([...byNode].map(([node, pods]) => [node, [...pods.values()]]));
}
__name(networkPodsOn, "networkPodsOn");
function podsOfInstallations({ snapshot, settings }) {
  const { found } = findInstallations(snapshot.calico.daemonSets, settings.calicoNamespace);
  return snapshot.calico.pods.filter((pod) => found.some(({ daemonSet }) => isPodOf(pod, daemonSet)));
}
__name(podsOfInstallations, "podsOfInstallations");
var MAX_EVIDENCE_PER_NODE = 500;
function addEvidence(known, stuckNow, node, observation) {
  const evidence2 = new Map(known);
  for (const pod of stuckNow) {
    const error2 = errorWithFailure(pod, observation);
    if (error2 === null || pod.nodeName !== node) continue;
    if (evidence2.size >= MAX_EVIDENCE_PER_NODE && !evidence2.has(pod.uid) && speaksFor(evidence2, pod.namespace))
      continue;
    const { reason, message, count } = error2.event;
    evidence2.set(pod.uid, { pod: fullName(pod), reason, message, count, lastSeenMs: error2.lastAtMs });
  }
  return evidence2;
}
__name(addEvidence, "addEvidence");
function speaksFor(evidence2, namespace) {
  return [...evidence2.values()].some(({ pod }) => pod.startsWith(`${namespace}/`));
}
__name(speaksFor, "speaksFor");
function newest(known, seen) {
  let best = known;
  for (const sighting of seen) if (best === null || isNewer(sighting.moment, best.moment)) best = sighting;
  return best;
}
__name(newest, "newest");
function isNewer(one, other) {
  if (one.onNodeMs !== null && other.onNodeMs !== null) return gapMs(other, one) > 0;
  return one.notBeforeMs > other.notBeforeMs;
}
__name(isNewer, "isNewer");
function matchesOn(pods, observation) {
  return pods.flatMap((pod) => {
    const error2 = errorWithFailure(pod, observation);
    return error2 === null ? [] : [{ pod: fullName(pod), namespace: pod.namespace, uid: pod.uid, moment: lastTimeOf(error2.event) }];
  });
}
__name(matchesOn, "matchesOn");
function newestOfEach(known, seen) {
  const ofEach = new Map(known);
  for (const sighting of seen) {
    const best = newest(ofEach.get(sighting.namespace) ?? null, [sighting]);
    if (best !== null) ofEach.set(sighting.namespace, best);
  }
  return ofEach;
}
__name(newestOfEach, "newestOfEach");
function firstOfEach(known, seen, lastMatchOf, { timing }) {
  const ofEach = /* @__PURE__ */ new Map();
  for (const sighting of [...known.values(), ...seen]) {
    const { namespace, moment } = sighting;
    const first = ofEach.get(namespace);
    if (first !== void 0 && !isNewer(first.moment, moment)) continue;
    const others = [...lastMatchOf].filter(([each]) => each !== namespace).map(([, match]) => match);
    const isAfter = others.every((match) => gapMs(match.moment, moment) > timing.wellSandboxAfterMs);
    if (others.length > 0 && isAfter) ofEach.set(namespace, sighting);
  }
  return ofEach;
}
__name(firstOfEach, "firstOfEach");
function sandboxesOf(pods, traces, nowMs) {
  return pods.flatMap((pod) => {
    if (hasSandbox(pod) !== true) return [];
    const trace = traces.get(pod.uid);
    const condition = conditionOf(pod.conditions, "PodReadyToStartContainers");
    const notBeforeMs = Math.max(pod.createdAtMs, trace?.lastWithoutAtMs ?? 0);
    const moment = {
      onNodeMs: trace?.isSaidLate === true ? null : condition?.lastTransitionAtMs ?? null,
      notBeforeMs,
      notAfterMs: Math.max(trace?.firstWithAtMs ?? nowMs, notBeforeMs)
    };
    return [{ pod: fullName(pod), namespace: pod.namespace, uid: pod.uid, moment }];
  });
}
__name(sandboxesOf, "sandboxesOf");
function traceInstalls(known, calicoNodePods, node, nowMs) {
  const traces = new Map(known);
  for (const pod of calicoNodePods) {
    if (pod.nodeName !== node) continue;
    traces.set(pod.uid, traceInstall(traces.get(pod.uid), pod, nowMs));
  }
  return traces;
}
__name(traceInstalls, "traceInstalls");
function traceInstall(known, pod, nowMs) {
  const install = installOf(pod);
  const daemonSetUid = pod.controller?.uid ?? "";
  if (install.state !== "finished") {
    return {
      daemonSetUid,
      finishedAtMs: null,
      lastUnfinishedAtMs: nowMs,
      firstFinishedAtMs: null,
      lastSeenAtMs: nowMs
    };
  }
  const again = known?.finishedAtMs !== install.atMs || known.firstFinishedAtMs === null;
  return {
    daemonSetUid,
    finishedAtMs: install.atMs,
    lastUnfinishedAtMs: known?.lastUnfinishedAtMs ?? null,
    firstFinishedAtMs: again ? nowMs : known.firstFinishedAtMs,
    lastSeenAtMs: nowMs
  };
}
__name(traceInstall, "traceInstall");
function readyTimes(known, calicoNodePods, nowMs) {
  return new Map(
    calicoNodePods.flatMap((pod) => {
      const atMs = isReady(pod) ? nowMs : known.get(pod.uid);
      return atMs === void 0 ? [] : [[pod.uid, atMs]];
    })
  );
}
__name(readyTimes, "readyTimes");

// src/calico/not-back.ts
function whyNotBack(restarts, observation) {
  const { now, timing } = observation;
  const down = restarts.find((restart2) => restart2.answer === "deleted" && isDown(restart2, observation));
  if (down === void 0) return null;
  const sinceMs = now.elapsedMs - down.elapsedMs;
  const said2 = `calico-node on ${down.node} is not Ready ${formatSeconds(sinceMs)} after this run restarted it`;
  return sinceMs < timing.siblingNotReadyMs ? { kind: "wait", why: `${said2}: one node at a time` } : { kind: "refuse", why: `no further node is restarted, because ${said2}: find out why first` };
}
__name(whyNotBack, "whyNotBack");
function isDown({ node, before: before2 }, { snapshot }) {
  const pods = snapshot.calico.pods.filter(
    (pod) => pod.nodeName === node && pod.uid !== before2.uid && pod.controller?.uid === before2.daemonSetUid
  );
  if (pods.some((pod) => isReady(pod) && !isTerminating(pod))) return false;
  if (snapshot.nodes === null) return !pods.some(wasLostWithItsNode);
  const found = snapshot.nodes.find(({ name }) => name === node);
  return found !== void 0 && conditionOf(found.conditions, "Ready")?.status === "True";
}
__name(isDown, "isDown");
function wasLostWithItsNode({ conditions }) {
  return conditionOf(conditions, "Ready")?.status === "False" && conditionOf(conditions, "ContainersReady")?.status === "True";
}
__name(wasLostWithItsNode, "wasLostWithItsNode");

// src/calico/restart-command.ts
var PLAIN = /^[A-Za-z0-9_./:@%+,=-]+$/;
function restartCommand(target, context) {
  const words = ["kubectl", "delete", "pod", "-n", target.namespace, target.pod];
  if (context !== null && context !== "") words.push("--context", context);
  return words.map(shellQuoted).join(" ");
}
__name(restartCommand, "restartCommand");
function shellQuoted(word2) {
  return PLAIN.test(word2) ? word2 : `'${word2.replaceAll("'", `'\\''`)}'`;
}
__name(shellQuoted, "shellQuoted");

// src/calico/urgency.ts
function byUrgency({ runsOnNode, restarts }) {
  return (one, other) => Number(one.node === runsOnNode) - Number(other.node === runsOnNode) || Number(hadItsTurn(one, restarts)) - Number(hadItsTurn(other, restarts)) || namespacesOf(other.stuckPods).length - namespacesOf(one.stuckPods).length || other.stuckPods.length - one.stuckPods.length || (one.node < other.node ? -1 : 1);
}
__name(byUrgency, "byUrgency");

// src/calico/plan.ts
function planRestarts(input) {
  const looked = [...input.cases].sort(byUrgency(input)).map((nodeCase) => look(nodeCase, input));
  const asked = looked.filter(({ settled }) => settled === null);
  const decided = restartsAreOff(input) ? asked.map((each) => planned(each, input)) : scheduled(asked, input);
  const plans = new Map(decided.map((decision) => [decision.plan.node, decision.plan]));
  const next = decided.find(({ now }) => now)?.plan ?? null;
  return {
    nodes: [
      ...looked.flatMap(({ nodeCase, settled }) => settled ?? plans.get(nodeCase.node) ?? []),
      ...withoutCase(input)
    ],
    next: next === null ? null : nextOf(next, input)
  };
}
__name(planRestarts, "planRestarts");
function restartsAreOff({ observation: { settings } }) {
  return !settings.restartCalicoNode || settings.maxNodeRestarts === 0;
}
__name(restartsAreOff, "restartsAreOff");
function look(nodeCase, input) {
  const { observation, memory } = input;
  const record2 = input.restarts.findLast(({ node }) => node === nodeCase.node);
  if (record2 !== void 0 && !mayBeginAnew(record2, input.restarts)) {
    return { nodeCase, settled: planOfRestart(record2, input), target: null, objection: null };
  }
  if (nodeCase.well) {
    return {
      nodeCase,
      settled: without(nodeCase.node, "none", nodeCase.lacks ?? "the node is well"),
      target: null,
      objection: null
    };
  }
  const place = calicoNodePodOn(nodeCase.node, input.installations, observation.snapshot.calico.pods);
  const guarded = { nodeCase, observation, memory };
  if (place.kind !== "one") {
    const namespaces = input.installations.found.map(({ daemonSet }) => daemonSet.namespace);
    const objections2 = [
      guardPlace(place, input.installations, guarded),
      guardView(guarded, namespaces),
      guardProof(guarded)
    ];
    return { nodeCase, settled: null, target: null, objection: strongest(objections2) };
  }
  const { pod, installation } = place;
  const target = {
    namespace: pod.namespace,
    pod: pod.name,
    uid: pod.uid,
    createdAtMs: pod.createdAtMs,
    daemonSetUid: installation.daemonSet.uid
  };
  const guardedTarget = { ...guarded, pod, daemonSet: installation.daemonSet };
  const objections = [
    guardView(guarded, [pod.namespace]),
    guardOtherInstallation(installation, input.installations, guarded),
    ...TARGET_GUARDS.map((guard) => guard(guardedTarget)),
    guardProof(guarded),
    guardJustInstalled(guardedTarget),
    guardInVain(guardedTarget)
  ];
  return { nodeCase, settled: null, target, objection: strongest(objections) };
}
__name(look, "look");
function mayBeginAnew(record2, restarts) {
  if (record2.answer === "elsewhere") return !isPending(record2);
  const before2 = restarts.filter(({ node }) => node === record2.node);
  if (record2.answer === "turned-away") return before2.length < MOST_TRIES;
  return record2.answer === "undone" && before2.filter(({ answer }) => answer === "undone").length === 1;
}
__name(mayBeginAnew, "mayBeginAnew");
var MOST_TRIES = 3;
function strongest(objections) {
  const raised = objections.filter((objection) => objection !== null);
  return raised.find(({ kind }) => kind === "refuse") ?? raised[0] ?? null;
}
__name(strongest, "strongest");
function without(node, action, why) {
  return { node, action, why, target: null, command: null };
}
__name(without, "without");
function objected({ nodeCase, target }, objection, input) {
  const action = objection.kind === "wait" ? "waiting" : "refused";
  if (objection.byHand === true && target !== null) {
    return { plan: withCommand(nodeCase.node, action, objection.why, target, input), now: false };
  }
  return { plan: { ...without(nodeCase.node, action, objection.why), target }, now: false };
}
__name(objected, "objected");
function planned(looked, input) {
  const { target, objection, nodeCase } = looked;
  if (objection !== null || target === null) return objected(looked, objection ?? NO_TARGET, input);
  const { settings } = input.observation;
  const because = settings.restartCalicoNode ? "max-node-restarts is 0" : "restart-calico-node is off";
  const why = `${target.namespace}/${target.pod} would be restarted, but ${because}`;
  return { plan: { ...withCommand(nodeCase.node, "planned", why, target, input) }, now: false };
}
__name(planned, "planned");
var NO_TARGET = { kind: "refuse", why: "no calico-node pod was found on the node" };
function withCommand(node, action, why, target, input) {
  return { node, action, why, target, command: restartCommand(target, input.context) };
}
__name(withCommand, "withCommand");
function scheduled(asked, input) {
  const { maxNodeRestarts } = input.observation.settings;
  let left2 = maxNodeRestarts - input.restarts.filter(({ answer }) => answer === "deleted" || answer === "lost").length;
  let turnOf = input.restarts.find(isPending)?.node ?? null;
  const notBack = whyNotBack(input.restarts, input.observation);
  return asked.map((looked) => {
    const { nodeCase, target, objection } = looked;
    if (target === null || objection?.kind === "refuse") return objected(looked, objection ?? NO_TARGET, input);
    const failed4 = afterFailure(nodeCase, input);
    const refusal2 = (failed4?.kind === "refuse" ? failed4 : null) ?? (notBack?.kind === "refuse" ? notBack : null) ?? missingRight(target, input) ?? (left2 <= 0 ? capReached(maxNodeRestarts) : null);
    if (refusal2 !== null)
      return { plan: withCommand(nodeCase.node, "refused", refusal2.why, target, input), now: false };
    const early = objection ?? failed4 ?? notBack ?? tooEarly2(nodeCase.node, input);
    if (turnOf !== null) {
      left2 -= 1;
      const why2 = `its turn comes when pods get their network again on ${turnOf}`;
      return { plan: { ...without(nodeCase.node, "waiting", why2), target }, now: false };
    }
    if (early !== null) return objected(looked, early, input);
    left2 -= 1;
    const late = tooLate(input);
    if (late !== null) return { plan: withCommand(nodeCase.node, "refused", late.why, target, input), now: false };
    turnOf = nodeCase.node;
    const why = `${target.namespace}/${target.pod} is to be restarted now`;
    return { plan: { ...without(nodeCase.node, "waiting", why), target }, now: true };
  });
}
__name(scheduled, "scheduled");
function capReached(max) {
  return {
    kind: "refuse",
    why: `max-node-restarts allows ${max}: so many nodes point to a shared cause (service account keys, clock)`
  };
}
__name(capReached, "capReached");
function afterFailure({ stuckPods }, { restarts }) {
  const proven = stuckPods.filter((stuck2) => stuck2.proven);
  if (!restarts.some((restart2) => stops(restart2, namespacesOf(proven)))) return null;
  const stopper = restarts.find((restart2) => stops(restart2, namespacesOf(stuckPods)));
  if (stopper === void 0) return whyUnproven(stuckPods.filter((stuck2) => !stuck2.proven));
  return {
    kind: "refuse",
    why: `no further node is restarted, because the restart of ${stopper.node} was not proven to help: find out why there first`
  };
}
__name(afterFailure, "afterFailure");
function tooEarly2(node, { memory, observation: { now, timing } }) {
  const foundAtMs = memory.nodes.get(node)?.foundAtMs ?? now.atMs;
  return now.atMs - foundAtMs < timing.observationGapMs ? { kind: "wait", why: "the failure has just been found: a second look decides" } : null;
}
__name(tooEarly2, "tooEarly");
function missingRight({ namespace }, { deleteRights, restarts }) {
  const refused2 = restarts.some(({ answer, before: before2 }) => answer === "forbidden" && before2.namespace === namespace);
  return refused2 || deleteRights.get(namespace) === false ? { kind: "refuse", why: `the right to delete pods in namespace ${namespace} is missing` } : null;
}
__name(missingRight, "missingRight");
function tooLate({ deadlineInMs, observation: { settings, timing } }) {
  const neededMs = Math.min(settings.restartTimeoutMs, timing.leastTimeForRestartMs);
  if (deadlineInMs >= neededMs) return null;
  return {
    kind: "refuse",
    why: `less than ${formatSeconds(neededMs)} of timeout is left, and a restart needs that long to be proven: raise timeout`
  };
}
__name(tooLate, "tooLate");
function planOfRestart(record2, input) {
  const { node, answer, before: before2, why } = record2;
  switch (answer) {
    case "deleted":
      return without(node, "restarted", why);
    case "elsewhere":
      return without(node, isPending(record2) ? "waiting" : "none", why);
    case "lost":
      return without(node, "waiting", why);
    case "forbidden":
    case "failed":
    case "turned-away":
    case "undone":
      return withCommand(node, "refused", why, before2, input);
  }
}
__name(planOfRestart, "planOfRestart");
function withoutCase(input) {
  const present2 = new Set(input.cases.map(({ node }) => node));
  const names = /* @__PURE__ */ new Set([...input.restarts.map(({ node }) => node), ...input.memory.nodes.keys()]);
  return [...names].filter((node) => !present2.has(node)).sort().map((node) => {
    const record2 = input.restarts.findLast((restart2) => restart2.node === node);
    return record2 === void 0 || wasNotCarriedOut(record2) ? without(node, "none", "no pod is stuck with the failure there any more") : planOfRestart(record2, input);
  });
}
__name(withoutCase, "withoutCase");
function wasNotCarriedOut({ answer }) {
  return answer === "forbidden" || answer === "failed" || answer === "turned-away" || answer === "undone";
}
__name(wasNotCarriedOut, "wasNotCarriedOut");
function nextOf({ node, target }, { cases, restarts }) {
  const nodeCase = cases.find((each) => each.node === node);
  if (nodeCase === void 0 || target === null) return null;
  return {
    node,
    target,
    stuckUids: nodeCase.stuckPods.map(({ pod }) => pod.uid),
    namespaces: namespacesOf(nodeCase.stuckPods),
    unanswered: restarts.filter(({ answer, before: before2 }) => answer === "undone" && before2.uid === target.uid).length
  };
}
__name(nextOf, "nextOf");

// src/health/eligible-nodes.ts
function eligibleNodes(nodes, pods, nowMs, timing) {
  return nodes === null ? guessedNodes(pods, nowMs, timing) : knownNodes(nodes, nowMs, timing);
}
__name(eligibleNodes, "eligibleNodes");
function knownNodes(nodes, nowMs, timing) {
  const able = nodes.filter(
    ({ conditions, deletionAtMs }) => conditionOf(conditions, "Ready")?.status === "True" && deletionAtMs === null
  );
  const old = able.filter(({ createdAtMs }) => nowMs - createdAtMs > timing.eligibleNodeAgeMs);
  const eligible = new Set((old.length > 0 ? old : able).map(({ name }) => name));
  const names = new Set(nodes.map(({ name }) => name));
  return {
    counts: /* @__PURE__ */ __name((pod) => pod.nodeName === null || eligible.has(pod.nodeName), "counts"),
    isLeft: /* @__PURE__ */ __name((pod) => pod.nodeName !== null && !names.has(pod.nodeName), "isLeft"),
    excused: new Set([...names].filter((name) => !eligible.has(name))),
    guessed: false
  };
}
__name(knownNodes, "knownNodes");
function guessedNodes(pods, nowMs, timing) {
  const lost = lostNodes(pods);
  const counts = /* @__PURE__ */ __name((pod) => nowMs - pod.createdAtMs > timing.eligibleNodeAgeMs && (pod.nodeName === null || !lost.has(pod.nodeName)), "counts");
  return { counts, isLeft: /* @__PURE__ */ __name(() => false, "isLeft"), excused: null, guessed: true };
}
__name(guessedNodes, "guessedNodes");
function lostNodes(pods) {
  const marked = /* @__PURE__ */ new Set();
  const alive = /* @__PURE__ */ new Set();
  for (const pod of pods) {
    if (pod.nodeName === null || hasEnded(pod) || isTerminating(pod)) continue;
    if (isReady(pod)) alive.add(pod.nodeName);
    else if (wasMarkedByNodeController(pod)) marked.add(pod.nodeName);
  }
  return new Set([...marked].filter((node) => !alive.has(node)));
}
__name(lostNodes, "lostNodes");
function wasMarkedByNodeController(pod) {
  const ready = conditionOf(pod.conditions, "Ready");
  return ready?.reason !== "ReadinessGatesNotReady" && conditionOf(pod.conditions, "ContainersReady")?.status === "True";
}
__name(wasMarkedByNodeController, "wasMarkedByNodeController");

// src/health/create-refused.ts
function refusalOfDeployment(deployment, nowMs) {
  const failure = conditionOf(deployment.conditions, "ReplicaFailure");
  if (failure?.status === "True") return refusalOfCondition(failure, deployment, nowMs);
  const progressing = conditionOf(deployment.conditions, "Progressing");
  if (progressing?.status === "False" && progressing.reason === "ReplicaSetCreateError") {
    return refusalOfCondition(progressing, deployment, nowMs);
  }
  return null;
}
__name(refusalOfDeployment, "refusalOfDeployment");
function refusalOfCondition(condition, deployment, nowMs) {
  return refusal(condition.message, Math.min(nowMs, condition.lastTransitionAtMs ?? deployment.createdAtMs));
}
__name(refusalOfCondition, "refusalOfCondition");
function refusalInEvents(events, pods, nowMs) {
  let refused2 = null;
  let createdAtMs = -Infinity;
  for (const event of events) {
    if (event.reason === "SuccessfulCreate") createdAtMs = Math.max(createdAtMs, lastHappenedAtMs(event));
    if (event.reason !== "FailedCreate") continue;
    if (refused2 === null || lastHappenedAtMs(event) > lastHappenedAtMs(refused2)) refused2 = event;
  }
  for (const pod of pods) createdAtMs = Math.max(createdAtMs, pod.createdAtMs);
  if (refused2 === null || lastHappenedAtMs(refused2) < createdAtMs) return null;
  const sinceMs = Math.max(firstHappenedAtMs(refused2), createdAtMs);
  return refusal(refused2.message, Math.min(nowMs, sinceMs));
}
__name(refusalInEvents, "refusalInEvents");
var QUOTA = /exceeded quota|failed quota/;
var REFUSERS = [
  [QUOTA, "a quota"],
  [/violates PodSecurity/, "Pod Security admission"],
  [/ValidatingAdmissionPolicy/, "an admission policy"],
  [/admission webhook|failed calling webhook/, "an admission webhook"],
  [/(?:minimum|maximum) \S+ usage per|LimitRange/, "a LimitRange"],
  [/service ?account .*not found/i, "admission, for want of its service account"]
];
function refusal(text3, sinceMs) {
  const refuser = REFUSERS.find(([wording]) => wording.test(text3))?.[1] ?? "the API server";
  const message = text3 === "" ? `refused by ${refuser}` : `refused by ${refuser}: ${text3}`;
  return { message, sinceMs, byQuota: QUOTA.test(text3) };
}
__name(refusal, "refusal");

// src/health/owner.ts
function findWorkloads(workloads2, readable) {
  const byUid = /* @__PURE__ */ new Map();
  const deployments = /* @__PURE__ */ new Map();
  for (const workload of workloads2) {
    byUid.set(workload.uid, workload);
    if (workload.kind === "Deployment") deployments.set(fullName(workload), workload);
  }
  return { byUid, deployments, readable };
}
__name(findWorkloads, "findWorkloads");
function ownerOf(pod, finder) {
  const { controller } = pod;
  if (controller === null || controller.kind === "Node") return null;
  const { kind, name } = controller;
  const resource = judgedResource(controller.apiVersion, kind);
  if (resource === null) return unjudged(pod, controller);
  if (resource === "deployments") {
    const deployment = deploymentOf(pod, name, finder);
    if (deployment !== null) return judged(deployment);
    if (!finder.readable("deployments", pod.namespace)) return { kind, name, workload: null, unjudged: null };
    return unjudged(pod, controller);
  }
  const workload = finder.byUid.get(controller.uid);
  if (workload === void 0 || workload.namespace !== pod.namespace)
    return { kind, name, workload: null, unjudged: null };
  return judged(workload);
}
__name(ownerOf, "ownerOf");
function knownAs(workload) {
  const { controller } = workload;
  if (workload.kind === "Job" && controller?.kind === "CronJob")
    return { kind: controller.kind, name: controller.name };
  return { kind: workload.kind, name: workload.name };
}
__name(knownAs, "knownAs");
function judged(workload) {
  return { ...knownAs(workload), workload, unjudged: null };
}
__name(judged, "judged");
function unjudged(pod, controller) {
  const { apiVersion, kind, name } = controller;
  return { kind, name, workload: null, unjudged: { kind, apiVersion, object: `${pod.namespace}/${name}` } };
}
__name(unjudged, "unjudged");
function judgedResource(apiVersion, kind) {
  const group = apiVersion.split("/")[0];
  if (group === "apps" && kind === "ReplicaSet") return "deployments";
  if (group === "apps" && kind === "StatefulSet") return "statefulsets";
  if (group === "apps" && kind === "DaemonSet") return "daemonsets";
  if (group === "batch" && kind === "Job") return "jobs";
  return null;
}
__name(judgedResource, "judgedResource");
function deploymentOf(pod, replicaSet, finder) {
  if (pod.revision === null || !replicaSet.endsWith(`-${pod.revision}`)) return null;
  const name = replicaSet.slice(0, -pod.revision.length - 1);
  return finder.deployments.get(`${pod.namespace}/${name}`) ?? null;
}
__name(deploymentOf, "deploymentOf");
function isActive(pod) {
  return !isTerminating(pod) && !hasEnded(pod);
}
__name(isActive, "isActive");
function isTrue(condition) {
  return condition?.status === "True";
}
__name(isTrue, "isTrue");

// src/health/overdue.ts
function worstOverdue(pods) {
  let worst = null;
  for (const state of pods) {
    const { finding } = state;
    if (finding === null || state.pod.deletionAtMs === null) continue;
    if (worst === null || compareFindings(finding, worst.finding) < 0) worst = { ...state, finding };
  }
  return worst;
}
__name(worstOverdue, "worstOverdue");

// src/health/roll-out.ts
function lacking(numbers, troubles, said2 = {}) {
  const passing = troubles.every(({ cause }) => cause === "NotRolledOut");
  return { ...numbers, carriedOut: false, passing, troubles, notes: said2.notes ?? [], warnings: said2.warnings ?? [] };
}
__name(lacking, "lacking");
function nothingLacks(numbers, said2 = {}) {
  return {
    ...numbers,
    carriedOut: true,
    passing: false,
    troubles: [],
    notes: said2.notes ?? [],
    warnings: said2.warnings ?? []
  };
}
__name(nothingLacks, "nothingLacks");
function tallyPods(pods) {
  const active = [];
  const leaving = [];
  let ready = 0;
  let starting = 0;
  let explained2 = false;
  for (const { pod, class: podClass, finding } of pods) {
    if (isActive(pod)) active.push(pod);
    if (isActive(pod) && isReady(pod)) ready += 1;
    if (podClass === "starting") starting += 1;
    if (podClass === "terminating" && finding === null) leaving.push(fullName(pod));
    if (finding?.holdsBack === true) explained2 = true;
  }
  const overdue = worstOverdue(pods);
  const [first = null] = leaving.sort();
  return {
    active,
    ready,
    starting,
    explained: explained2,
    overdue: overdue === null ? null : fullName(overdue.pod),
    leaving: first
  };
}
__name(tallyPods, "tallyPods");
function availableOf(counted, tally, { podsInSight }) {
  return podsInSight ? Math.min(counted, tally.ready) : counted;
}
__name(availableOf, "availableOf");
function isObserved2(workload) {
  return workload.observedGeneration !== null && workload.observedGeneration >= workload.generation;
}
__name(isObserved2, "isObserved");
function unobserved(workload, numbers) {
  const seen = workload.observedGeneration === null ? "has not looked at it yet" : `has not carried out generation ${workload.generation} yet (it has seen ${workload.observedGeneration})`;
  return lacking(numbers, [notRolledOut(`its controller ${seen}`, null)]);
}
__name(unobserved, "unobserved");
function createRefused(refusal2, have, tally, context) {
  return {
    stage: "workload",
    cause: "CreateRefused",
    message: `${have}, more are ${refusal2.message}`,
    sinceMs: refusal2.sinceMs,
    waitsFor: refusal2.byQuota ? tally.overdue ?? context.overdueInNamespace : null
  };
}
__name(createRefused, "createRefused");
function notRolledOut(message, sinceMs, waitsFor = null) {
  return { stage: "workload", cause: "NotRolledOut", message, sinceMs, waitsFor };
}
__name(notRolledOut, "notRolledOut");
function templateOf(workload) {
  const known = knownTemplate(workload);
  return known === "" ? `generation ${workload.generation}` : known;
}
__name(templateOf, "templateOf");
function knownTemplate(workload) {
  switch (workload.kind) {
    case "Deployment":
      return workload.revision;
    case "StatefulSet":
      return workload.updateRevision;
    case "DaemonSet":
      return workload.templateGeneration;
    case "Job":
      return workload.uid;
  }
}
__name(knownTemplate, "knownTemplate");
function countOfPods(count) {
  return `${count} ${count === 1 ? "pod" : "pods"}`;
}
__name(countOfPods, "countOfPods");

// src/health/job.ts
function judgeJob(job, context) {
  const numbers = { desired: job.completions ?? job.parallelism, ready: job.succeeded };
  const name = fullName(job);
  if (hasFailed(job)) {
    if (context.madeGood) {
      return nothingLacks(numbers, { notes: [`Job ${name} failed; a newer Job of its CronJob succeeded since`] });
    }
    const pods = context.pods.map(({ pod }) => pod);
    return lacking(numbers, [failureOf(job, pods)]);
  }
  if (isTrue(conditionOf(job.conditions, "Complete")) || job.deletionAtMs !== null) return nothingLacks(numbers);
  if (job.suspended) return nothingLacks(numbers, { notes: [`Job ${name} is suspended: it is not waited for`] });
  const tally = tallyPods(context.pods);
  const refusal2 = tally.active.length > 0 || job.active > 0 ? null : refusalInEvents(context.events, podsOf(context), context.nowMs);
  if (refusal2 !== null) {
    const troubles = [createRefused(refusal2, `0 of ${job.parallelism} pods exist`, tally, context)];
    return lacking(numbers, troubles);
  }
  const progress = `${job.succeeded} of ${numbers.desired} completions`;
  return nothingLacks(numbers, { notes: [`Job ${name} is running (${progress}): it is not waited for`] });
}
__name(judgeJob, "judgeJob");
function hasFailed(job) {
  return isTrue(conditionOf(job.conditions, "Failed"));
}
__name(hasFailed, "hasFailed");
function failureOf(job, pods) {
  const failed4 = conditionOf(job.conditions, "Failed");
  const why = [failed4?.reason, failed4?.message].filter((text3) => text3 !== void 0 && text3 !== "").join(": ");
  const message = `Job ${job.name} failed${why === "" ? "" : `: ${why}`}${lastAttempt(pods)}`;
  return { stage: "crash", cause: "Failed", message, sinceMs: failed4?.lastTransitionAtMs ?? null, waitsFor: null };
}
__name(failureOf, "failureOf");
function lastAttempt(pods) {
  const [last] = pods.flatMap((pod) => {
    const end2 = pod.phase === "Failed" ? abnormalEndOf(pod) : void 0;
    return end2 === void 0 ? [] : [{ pod, end: end2 }];
  }).sort((a, b) => b.pod.createdAtMs - a.pod.createdAtMs || (a.pod.name < b.pod.name ? -1 : 1));
  if (last === void 0) return "";
  const how = last.end.signal === null ? `exit code ${last.end.exitCode}` : `signal ${last.end.signal}`;
  const said2 = last.end.message.trim();
  return `; its last pod ${fullName(last.pod)} ended with ${how}${said2 === "" ? "" : `: ${said2}`}`;
}
__name(lastAttempt, "lastAttempt");
function abnormalEndOf(pod) {
  return pod.containers.map(({ state }) => state).filter((state) => state.kind === "terminated").find(({ exitCode }) => exitCode !== 0);
}
__name(abnormalEndOf, "abnormalEndOf");
function podsOf(context) {
  return context.pods.map(({ pod }) => pod);
}
__name(podsOf, "podsOf");
var NO_FAILED_JOBS = { byUid: /* @__PURE__ */ new Map(), madeGood: /* @__PURE__ */ new Set() };
function rememberFailedJobs(before2, jobs) {
  const failed4 = jobs.filter(hasFailed);
  if (failed4.length === 0 && before2.byUid.size === 0) return before2;
  const byName = new Map(jobs.map((job) => [fullName(job), job]));
  const byUid = /* @__PURE__ */ new Map();
  for (const job of [...before2.byUid.values(), ...failed4]) {
    const namesake = byName.get(fullName(job));
    if (namesake === void 0 || namesake.uid === job.uid) byUid.set(job.uid, job);
  }
  const succeededAtMs = /* @__PURE__ */ new Map();
  for (const job of jobs) {
    if (job.controller === null || !isTrue(conditionOf(job.conditions, "Complete"))) continue;
    const key = cronJobOf(job.namespace, job.controller);
    succeededAtMs.set(key, Math.max(succeededAtMs.get(key) ?? -Infinity, job.createdAtMs));
  }
  const madeGood = /* @__PURE__ */ new Set();
  for (const { uid, namespace, controller, createdAtMs } of byUid.values()) {
    const later = controller === null ? void 0 : succeededAtMs.get(cronJobOf(namespace, controller));
    if (before2.madeGood.has(uid) || later !== void 0 && later > createdAtMs) madeGood.add(uid);
  }
  return { byUid, madeGood };
}
__name(rememberFailedJobs, "rememberFailedJobs");
function cronJobOf(namespace, { uid }) {
  return `${namespace} ${uid}`;
}
__name(cronJobOf, "cronJobOf");

// src/health/pod-events.ts
function newestEvent(events, reasons, matches2 = () => true) {
  let newest2 = null;
  for (const event of events) {
    if (!reasons.includes(event.reason) || !matches2(event)) continue;
    if (newest2 === null || lastHappenedAtMs(event) > lastHappenedAtMs(newest2)) newest2 = event;
  }
  return newest2;
}
__name(newestEvent, "newestEvent");
function happenedAtMs(event) {
  return Math.min(lastHappenedAtMs(event), event.seenAtMs);
}
__name(happenedAtMs, "happenedAtMs");

// src/health/crash.ts
var OUT_OF_MEMORY_ENDS = 2;
function abnormalEndsSeen(pod, previous, elapsedMs) {
  let found = null;
  for (const container of pod.containers) {
    const count = abnormalEndsOf(container);
    if (count === 0) continue;
    const known = previous?.get(container.name);
    const isNew = previous !== null && count > (known?.count ?? 0);
    found ??= /* @__PURE__ */ new Map();
    found.set(container.name, { count, seenElapsedMs: isNew ? elapsedMs : known?.seenElapsedMs ?? null });
  }
  return found ?? NO_CONTAINERS;
}
__name(abnormalEndsSeen, "abnormalEndsSeen");
function crashLoopingContainer(pod, { facts, now, timing }) {
  const isRecent = /* @__PURE__ */ __name((container) => {
    const seenElapsedMs = facts.abnormalEnds.get(container.name)?.seenElapsedMs ?? null;
    if (seenElapsedMs !== null) return now.elapsedMs - seenElapsedMs <= timing.crashLoopRecentMs;
    return isBackingOff(container) || now.atMs - lastAbnormalEndAtMs(container, pod) <= timing.crashLoopRecentMs;
  }, "isRecent");
  const isLooping = /* @__PURE__ */ __name((container) => abnormalEndsOf(container) >= timing.crashLoopEnds && isRecent(container), "isLooping");
  return pod.containers.find(isLooping) ?? null;
}
__name(crashLoopingContainer, "crashLoopingContainer");
function lastAbnormalEndAtMs(container, pod) {
  const end2 = isAbnormal(newestEnd(container)) ? newestEnd(container) : container.lastEnd;
  return end2?.finishedAtMs ?? pod.createdAtMs;
}
__name(lastAbnormalEndAtMs, "lastAbnormalEndAtMs");
function crashSymptom(pod, evidence2) {
  const looping = crashLoopingContainer(pod, evidence2);
  const crashing = pod.containers.filter((container) => container === looping || hasCrashed(container, pod));
  const [worst] = crashing.toSorted((a, b) => endsOf(b) - endsOf(a));
  return worst === void 0 ? null : symptomOf(worst, pod, evidence2);
}
__name(crashSymptom, "crashSymptom");
function readyButCrashLooping(container, pod, evidence2) {
  const symptom = symptomOf(container, pod, evidence2);
  const endedAtMs = Math.min(lastAbnormalEndAtMs(container, pod), evidence2.now.atMs);
  return {
    ...symptom,
    message: `${symptom.message} (ready again, not yet for long)`,
    patienceMs: null,
    sinceMs: endedAtMs
  };
}
__name(readyButCrashLooping, "readyButCrashLooping");
function hasCrashed(container, pod) {
  if (isBackingOff(container)) return true;
  if (container.state.kind !== "terminated") return false;
  if (isAbnormal(container.state)) return true;
  return container.role === "sidecar" || container.role === "main" && pod.restartPolicy === "Always";
}
__name(hasCrashed, "hasCrashed");
function symptomOf(container, pod, evidence2) {
  const end2 = newestEnd(container);
  const cause = causeOf(container, end2, pod);
  const message = describe2(container, end2, evidence2.events);
  return { stage: "crash", cause, message, patienceMs: patienceOf(cause, container, pod, evidence2), isAttempt: true };
}
__name(symptomOf, "symptomOf");
function causeOf(container, end2, pod) {
  if (end2?.reason === "OOMKilled") return "OutOfMemory";
  if (isFinal(container, pod)) return "Failed";
  return container.role === "init" ? "InitCrash" : "CrashLoop";
}
__name(causeOf, "causeOf");
function isFinal(container, pod) {
  return pod.restartPolicy === "Never" && container.role !== "sidecar" && container.state.kind === "terminated";
}
__name(isFinal, "isFinal");
function patienceOf(cause, container, pod, { timing }) {
  if (isFinal(container, pod)) return 0;
  if (!hasCrashed(container, pod)) return null;
  const certainEnds = cause === "OutOfMemory" ? OUT_OF_MEMORY_ENDS : timing.crashLoopEnds;
  return endsOf(container) >= certainEnds ? 0 : null;
}
__name(patienceOf, "patienceOf");
function describe2(container, end2, events) {
  const ended = end2 === null ? "it ended" : describeEnd(end2);
  const probe = newestEvent(events, ["Unhealthy"], ({ message }) => /^(?:Liveness|Startup) probe/.test(message));
  const killer = probe !== null && end2 !== null && mayHaveKilled(probe, end2) ? `; ${probe.message}` : "";
  return `${containerName(container)}: ${describeRestarts(container)}, ${ended}${killer}`;
}
__name(describe2, "describe");
function mayHaveKilled(probe, end2) {
  if (end2.reason === "OOMKilled") return false;
  if ([137, 143].includes(end2.exitCode)) return true;
  if (end2.startedAtMs === null || end2.finishedAtMs === null) return false;
  const failedAtMs = lastHappenedAtMs(probe);
  return end2.startedAtMs <= failedAtMs && failedAtMs <= end2.finishedAtMs;
}
__name(mayHaveKilled, "mayHaveKilled");

// src/health/config.ts
var CACHE_LAGS = /failed to sync .* cache/;
var MISSING = /"[^"]*" not found|couldn't find key/;
var CACHE_MS = 3 * 6e4;
function configSymptom(pod) {
  for (const container of pod.containers) {
    if (container.state.kind !== "waiting" || container.state.reason !== "CreateContainerConfigError") continue;
    const { reason, message } = container.state;
    const told = `${containerName(container)}: ${message || reason}`;
    if (CACHE_LAGS.test(message))
      return { stage: "config", cause: "MissingConfig", message: told, patienceMs: CACHE_MS };
    const cause = MISSING.test(message) ? "MissingConfig" : "InvalidConfig";
    return { stage: "config", cause, message: told };
  }
  return null;
}
__name(configSymptom, "configSymptom");

// src/health/job-pod.ts
function isJobPod(pod) {
  const { controller } = pod;
  return controller !== null && controller.kind === "Job" && controller.apiVersion.startsWith("batch/");
}
__name(isJobPod, "isJobPod");
function isPartOfRunningJob({ stage, cause, isAttempt = false }) {
  if (isAttempt || stage === "probe" || stage === "gate") return true;
  return cause === "SchedulingGated" || cause === "SandboxSilent" || cause === "SchedulerSilent";
}
__name(isPartOfRunningJob, "isPartOfRunningJob");

// src/health/ended.ts
var NOT_ITS_OWN_FAULT = [
  "Evicted",
  "Preempting",
  "NodeShutdown",
  "Terminated",
  "Shutdown",
  "NodeAffinity",
  "NodeLost",
  "UnexpectedAdmissionError"
];
var OUT_OF = /^OutOf/;
var REPLACE_MS = 3e4;
function examineEnded(pod, owner) {
  if (pod.phase === "Succeeded") return { class: "completed", symptom: null };
  if (pod.phase !== "Failed") return null;
  if (isJobPod(pod)) return { class: "superseded", symptom: null };
  const isReplaced = owner !== null && (owner.satisfied || isNotItsOwnFault(pod));
  if (isReplaced) return { class: "superseded", symptom: null };
  const symptom = { stage: "crash", cause: "Failed", message: describeFailure(pod) };
  return { class: "notReady", symptom: owner === null ? symptom : { ...symptom, patienceMs: REPLACE_MS } };
}
__name(examineEnded, "examineEnded");
function isNotItsOwnFault(pod) {
  const isDisrupted = conditionOf(pod.conditions, "DisruptionTarget")?.status === "True";
  return isDisrupted || NOT_ITS_OWN_FAULT.includes(pod.reason) || OUT_OF.test(pod.reason);
}
__name(isNotItsOwnFault, "isNotItsOwnFault");
function describeFailure(pod) {
  const failed4 = pod.containers.find((container) => isAbnormal(newestEnd(container)));
  const end2 = failed4 === void 0 ? null : newestEnd(failed4);
  const ended = failed4 === void 0 || end2 === null ? "" : `${containerName(failed4)}: ${describeEnd(end2)}`;
  const told = withDetail(pod.reason, pod.message);
  return [told, ended].filter((part) => part !== "").join("; ") || "it failed without a reason";
}
__name(describeFailure, "describeFailure");

// src/health/image.ts
var PULL_REASONS = ["ErrImagePull", "ImagePullBackOff"];
var BACK_OFF = /^Back-off pulling image "[^"]*"(?:: ErrImagePull)?(?:: )?/;
var IMAGE_INSPECT_MS = 2 * 6e4;
var PULL_WORDS = [
  {
    cause: "RegistryUnavailable",
    words: /dial (?:tcp|udp)|lookup |no such host|i\/o timeout|deadline exceeded|\btimeout\b|timed out|\bEOF\b|connection (?:refused|reset)|no route to host|network is unreachable|x509|\btls: |server gave HTTP response|too ?many ?requests|\b429\b|\b50[0-9]\b|(?:Internal Server Error|Bad Gateway|Service Unavailable|Gateway Timeout)|pull QPS exceeded|proxyconnect/i
  },
  {
    cause: "ImageUnauthorized",
    words: /unauthorized|\bdenied\b|no basic auth|authentication required|authorization (?:failed|token has expired)|failed to authorize|insufficient_scope|forbidden|\b40[13]\b/i
  },
  {
    cause: "ImageNotFound",
    words: /not found|manifest unknown|no match(?:ing)? (?:for platform|manifest)|name unknown|\b404\b/i
  },
  { cause: "InvalidImage", words: /invalid reference format|parse image name/i }
];
function classifyPull(text3) {
  const words = text3.replaceAll(/"[^"]*"/g, '""').replaceAll(/\S*[^\s/]\/[^\s/]\S*/g, (token) => token.startsWith("i/o") ? token : "…");
  return PULL_WORDS.find((entry) => entry.words.test(words))?.cause ?? "ImageError";
}
__name(classifyPull, "classifyPull");
function pullErrorsOf(pod, previous, events) {
  let found = null;
  for (const container of pod.containers) {
    if (container.state.kind !== "waiting" || !PULL_REASONS.includes(container.state.reason)) continue;
    const own = container.state.message.replace(BACK_OFF, "");
    const known = previous.get(container.name);
    const text3 = own === "" && known === void 0 ? textOfEvent(container, events) : own;
    const error2 = text3 === "" ? known : { cause: classifyPull(text3), text: text3 };
    if (error2 === void 0) continue;
    found ??= /* @__PURE__ */ new Map();
    found.set(container.name, error2);
  }
  return found ?? NO_CONTAINERS;
}
__name(pullErrorsOf, "pullErrorsOf");
function textOfEvent(container, events) {
  const start3 = `Failed to pull image "${container.image}": `;
  const event = newestEvent(events, ["Failed"], ({ message }) => message.startsWith(start3));
  return event === null ? "" : event.message.slice(start3.length);
}
__name(textOfEvent, "textOfEvent");
function imageSymptom(pod, pullErrors, events) {
  for (const container of pod.containers) {
    const symptom = symptomOf2(container, pullErrors);
    if (symptom !== null) return symptom.cause === "ImageUnauthorized" ? withPullSecrets(symptom, events) : symptom;
  }
  return null;
}
__name(imageSymptom, "imageSymptom");
function withPullSecrets(symptom, events) {
  const missing = newestEvent(events, ["FailedToRetrieveImagePullSecret"]);
  return missing === null ? symptom : { ...symptom, message: `${symptom.message}; ${missing.message}` };
}
__name(withPullSecrets, "withPullSecrets");
function symptomOf2(container, pullErrors) {
  if (container.state.kind !== "waiting") return null;
  const { reason, message } = container.state;
  if (isWaitingFor(container, PULL_REASONS)) {
    const error2 = pullErrors.get(container.name);
    const text3 = error2 === void 0 ? withDetail(reason, message) : error2.text;
    return {
      stage: "image",
      cause: error2?.cause ?? "ImageError",
      message: withDetail(`${containerName(container)}: image ${container.image}`, text3)
    };
  }
  const told = withDetail(`${containerName(container)}: ${reason}`, message);
  switch (reason) {
    case "InvalidImageName":
      return { stage: "image", cause: "InvalidImage", message: told };
    case "ErrImageNeverPull":
      return { stage: "image", cause: "ImageNotFound", message: told, patienceMs: 0 };
    case "SignatureValidationFailed":
      return { stage: "image", cause: "ImageError", message: told, patienceMs: 0 };
    case "RegistryUnavailable":
      return { stage: "image", cause: "RegistryUnavailable", message: told };
    case "ImageInspectError":
      return { stage: "image", cause: "ImageError", message: told, patienceMs: IMAGE_INSPECT_MS };
    default:
      return null;
  }
}
__name(symptomOf2, "symptomOf");

// src/health/probe.ts
function probeSymptom(pod, events) {
  const init = pod.containers.find(({ role, state }) => role === "init" && state.kind === "running");
  if (init !== void 0) return notStarted2(`${containerName(init)} has not finished`);
  const running = pod.containers.filter(({ state }) => state.kind === "running");
  const starting = running.find(({ started }) => started === false);
  if (starting !== void 0) return notStarted2(aboutProbe(pod, starting, "Startup", events));
  const creating = pod.containers.find(isWaitingItsTurn);
  if (creating !== void 0)
    return notStarted2(`${containerName(creating)} is being created (its image may be on the way)`);
  const unready = running.find(({ ready, role }) => !ready && role !== "init");
  if (unready !== void 0) {
    return { stage: "probe", cause: "NotReady", message: aboutProbe(pod, unready, "Readiness", events) };
  }
  const completed = pod.containers.find(
    ({ role, ready, state }) => role !== "init" && !ready && state.kind === "terminated"
  );
  if (completed !== void 0) {
    return {
      stage: "probe",
      cause: "NotReady",
      message: `${readyCount(pod)}; ${containerName(completed)} has completed`
    };
  }
  return null;
}
__name(probeSymptom, "probeSymptom");
function notStarted2(message) {
  return { stage: "probe", cause: "NotStarted", message };
}
__name(notStarted2, "notStarted");
function aboutProbe(pod, container, kind, events) {
  const probe = kind === "Startup" ? container.startupProbe : container.readinessProbe;
  const unhealthy2 = newestEvent(events, ["Unhealthy"], ({ message }) => message.startsWith(`${kind} probe`));
  const asks2 = probe === null ? "" : `, ${kind.toLowerCase()} probe ${probe.asks}`;
  const state = kind === "Startup" ? "runs and has not started" : "runs and is not ready";
  return withDetail(`${readyCount(pod)}; ${containerName(container)} ${state}${asks2}`, unhealthy2?.message ?? "");
}
__name(aboutProbe, "aboutProbe");
function readyCount(pod) {
  const counted = pod.containers.filter(({ role }) => role !== "init");
  return `${counted.filter(({ ready }) => ready).length} of ${counted.length} containers ready`;
}
__name(readyCount, "readyCount");
function readinessGateSymptom(pod) {
  const ready = conditionOf(pod.conditions, "Ready");
  const closed = pod.readinessGates.filter((gate) => conditionOf(pod.conditions, gate)?.status !== "True");
  const isSaid = ready?.reason === "ReadinessGatesNotReady";
  const isLeft = closed.length > 0 && conditionOf(pod.conditions, "ContainersReady")?.status === "True";
  if (!isSaid && !isLeft) return null;
  const message = ready?.message || `readiness gates that are not True: ${closed.join(", ")}`;
  return { stage: "gate", cause: "ReadinessGate", message };
}
__name(readinessGateSymptom, "readinessGateSymptom");

// src/health/volumes.ts
var VOLUME_REASONS = ["FailedMount", "FailedAttachVolume", "FailedMapVolume"];
var SUMMARY = /^Unable to attach or mount volumes/;
var MISSING2 = /"[^"]*" not found|references non-existent/;
var MULTI_ATTACH = /^Multi-Attach error/;
var MULTI_ATTACH_MS = 7 * 6e4;
function volumeSymptom(events) {
  const event = newestEvent(events, VOLUME_REASONS, ({ message }) => !SUMMARY.test(message)) ?? newestEvent(events, VOLUME_REASONS);
  if (event === null) return null;
  return { symptom: symptomOf3(event), event };
}
__name(volumeSymptom, "volumeSymptom");
function symptomOf3({ reason, message }) {
  if (MULTI_ATTACH.test(message))
    return { stage: "volumes", cause: "VolumeAttach", message, patienceMs: MULTI_ATTACH_MS };
  if (MISSING2.test(message)) return { stage: "volumes", cause: "VolumeMissing", message };
  const cause = reason === "FailedAttachVolume" ? "VolumeAttach" : "VolumeMount";
  return { stage: "volumes", cause, message };
}
__name(symptomOf3, "symptomOf");

// src/health/sandbox.ts
function sandboxSymptom(pod, evidence2) {
  if (!isWithoutSandbox(pod)) return null;
  const error2 = pod.hostNetwork ? null : evidence2.sandboxError;
  const volume = volumeSymptom(evidence2.events);
  if (error2 === null) return volume?.symptom ?? withoutError(pod, evidence2.events);
  const volumeAtMs = volume === null ? null : happenedAtMs(volume.event);
  const waitsForVolume2 = volumeAtMs !== null && volumeAtMs > error2.lastAtMs && evidence2.nowMs - volumeAtMs <= evidence2.timing.volumeEventMs;
  return volume !== null && waitsForVolume2 ? volume.symptom : sandboxErrorSymptom(error2, "sandbox");
}
__name(sandboxSymptom, "sandboxSymptom");
function sandboxErrorSymptom(error2, stage) {
  const symptom = { stage, cause: error2.cause, message: wordsOf2(error2) };
  if (error2.cause !== "CalicoUnauthorized") return symptom;
  return { ...symptom, beganAtMs: error2.storedAtMs, ...error2.cameBack === true ? { patienceMs: 0 } : {} };
}
__name(sandboxErrorSymptom, "sandboxErrorSymptom");
function wordsOf2({ cause, plugin, text: text3, event }) {
  if (text3 === "") return event.message;
  const needsName = cause === "CniError" || cause === "OtherPluginUnauthorized";
  return needsName && plugin !== null ? `plugin ${plugin}: ${text3}` : text3;
}
__name(wordsOf2, "wordsOf");
function isWithoutSandbox(pod) {
  if (pod.nodeName === null || hasSandbox(pod) === true || isPastItsSandbox(pod)) return false;
  if (conditionOf(pod.conditions, "PodReadyToStartContainers") !== null) return true;
  return pod.containers.every((container) => container.state.kind === "none" || isWaitingItsTurn(container));
}
__name(isWithoutSandbox, "isWithoutSandbox");
var KNOWN_PHASES = ["", "Pending", "Running", "Unknown"];
function oddPhase(phase) {
  return KNOWN_PHASES.includes(phase) ? "" : `, and its phase is ${phase}`;
}
__name(oddPhase, "oddPhase");
function withoutError(pod, events) {
  if (!pod.hostNetwork) {
    const network = newestEvent(events, ["NetworkNotReady"]);
    if (network !== null) return { stage: "sandbox", cause: "CniError", message: network.message };
  } else {
    const failed4 = newestEvent(events, ["FailedCreatePodSandBox"]);
    if (failed4 !== null) return { stage: "sandbox", cause: "SandboxError", message: failed4.message };
  }
  if (hasSandbox(pod) === null) {
    return {
      stage: "sandbox",
      cause: "SandboxSilent",
      message: `the kubelet of node ${pod.nodeName} has not reported on it${oddPhase(pod.phase)}`
    };
  }
  const changed = newestEvent(events, ["SandboxChanged"]);
  if (changed !== null) {
    return {
      stage: "sandbox",
      cause: "SandboxSilent",
      message: `${changed.message} (SandboxChanged, ${changed.count} times)`
    };
  }
  return { stage: "sandbox", cause: "SandboxSilent", message: "it has no sandbox yet, and no event says why" };
}
__name(withoutError, "withoutError");

// src/health/scheduling.ts
var NODE_IS_COMING = ["TriggeredScaleUp", "Nominated"];
var NO_NODE_WILL_COME = ["NotTriggerScaleUp"];
function schedulingSymptom(pod, events) {
  if (pod.nodeName !== null) return null;
  const scheduled2 = conditionOf(pod.conditions, "PodScheduled");
  if (scheduled2 === null) {
    return { stage: "scheduling", cause: "SchedulerSilent", message: "no scheduler has said anything about it" };
  }
  switch (scheduled2.reason) {
    case "SchedulingGated":
      return {
        stage: "scheduling",
        cause: "SchedulingGated",
        message: withDetail(scheduled2.reason, scheduled2.message)
      };
    case "Unschedulable":
      return unschedulable(pod, scheduled2.message, events);
    case "SchedulerError":
      return unschedulable(pod, withDetail(scheduled2.reason, scheduled2.message), events);
    default: {
      const what = withDetail(scheduled2.reason, scheduled2.message);
      return {
        stage: "scheduling",
        cause: "Unknown",
        message: withDetail(`PodScheduled is ${scheduled2.status}`, what)
      };
    }
  }
}
__name(schedulingSymptom, "schedulingSymptom");
function unschedulable(pod, conditionMessage, events) {
  const message = conditionMessage || (newestEvent(events, ["FailedScheduling"])?.message ?? "no node can take it");
  const symptom = { stage: "scheduling", cause: "Unschedulable", message };
  if (pod.nominatedNodeName !== null) {
    return { ...symptom, message: `${message}; it is to take node ${pod.nominatedNodeName}`, patienceMs: null };
  }
  const autoscaler = newestEvent(events, [...NODE_IS_COMING, ...NO_NODE_WILL_COME]);
  if (autoscaler === null) return symptom;
  const told = `${message}; ${withDetail(autoscaler.reason, autoscaler.message)}`;
  return NODE_IS_COMING.includes(autoscaler.reason) ? { ...symptom, message: told, patienceMs: null } : { ...symptom, message: told };
}
__name(unschedulable, "unschedulable");

// src/health/start.ts
var START_REASONS = [
  "RunContainerError",
  "CreateContainerError",
  "PreCreateHookError",
  "PreStartHookError",
  "PostStartHookError"
];
var NEVER_RAN = ["StartError", "ContainerCannotRun"];
var NAMES_THE_PROGRAM = /exec: "|exec format error|exec user process|executable file not found|chdir to cwd|cannot find the (?:file|path) specified/i;
var CERTAIN_ENDS = 2;
function startSymptom(pod) {
  for (const container of pod.containers) {
    const symptom = symptomOf4(container);
    if (symptom !== null) return symptom;
  }
  return null;
}
__name(startSymptom, "startSymptom");
function symptomOf4(container) {
  const end2 = newestEnd(container);
  const neverRan = end2 !== null && NEVER_RAN.includes(end2.reason);
  if (neverRan && (container.state.kind === "terminated" || isBackingOff(container))) {
    const message2 = `${containerName(container)}: ${describeRestarts(container)}, ${describeEnd(end2)}`;
    return { ...startError(container, message2, end2.message), isAttempt: true };
  }
  if (container.state.kind !== "waiting" || !isWaitingFor(container, START_REASONS)) return null;
  const { reason, message } = container.state;
  return startError(container, withDetail(`${containerName(container)}: ${reason}`, message), message);
}
__name(symptomOf4, "symptomOf");
function startError(container, message, runtimeSays) {
  const base = { stage: "start", cause: "StartError", message };
  return NAMES_THE_PROGRAM.test(runtimeSays) && endsOf(container) >= CERTAIN_ENDS ? { ...base, patienceMs: 0 } : base;
}
__name(startError, "startError");

// src/health/terminating.ts
function examineTerminating(pod, circumstances) {
  if (!isTerminating(pod)) return null;
  const { now, timing, sandboxError, node, nodesReadable, owner } = circumstances;
  if (!isOverdue(pod, now.atMs, timing.overdueSlackMs)) return { class: "terminating", symptom: null };
  if (sandboxError !== null && !pod.hostNetwork) {
    return { class: "notReady", symptom: sandboxErrorSymptom(sandboxError, "terminating") };
  }
  const lost = whyNodeIsLost(pod, node, nodesReadable);
  if (lost === null) return { class: "terminating", symptom: stuck(whatKeepsIt(pod, circumstances)) };
  const derivedFrom = pod.nodeName ?? "";
  if (owner === null || owner.satisfied) return { class: "terminating", symptom: { ...stuck(lost), derivedFrom } };
  return { class: "notReady", symptom: { stage: "node", cause: "NodeNotReady", message: lost, derivedFrom } };
}
__name(examineTerminating, "examineTerminating");
function stuck(message) {
  return { stage: "terminating", cause: "StuckTerminating", message };
}
__name(stuck, "stuck");
function whatKeepsIt(pod, { events }) {
  if (pod.finalizers.length > 0) return `finalizers: ${pod.finalizers.join(", ")}`;
  const failed4 = newestEvent(events, ["FailedKillPod", "FailedPreStopHook"]);
  if (failed4 !== null) return failed4.message;
  const running = pod.containers.filter(({ state }) => state.kind === "running").map(({ name }) => name);
  if (running.length > 0) return `still running: ${running.join(", ")}`;
  return "its containers have ended, and no event says what keeps it";
}
__name(whatKeepsIt, "whatKeepsIt");

// src/health/examine-pod.ts
var READY = { class: "ready", symptom: null };
var PERHAPS_LOST_MS = 5 * 6e4;
function examinePod(pod, circumstances, facts) {
  if (isOnExcusedNode(pod, circumstances)) return excused(pod);
  const decided = examineTerminating(pod, circumstances) ?? examineEnded(pod, circumstances.owner);
  if (decided !== null) return decided;
  const lost = whyNodeIsLost(pod, circumstances.node, circumstances.nodesReadable);
  if (lost !== null) return { class: "notReady", symptom: onLostNode(pod, lost, circumstances) };
  if (isReady(pod)) return isJobPod(pod) ? READY : examineReady(pod, circumstances, facts);
  const symptom = symptomOf5(pod, circumstances, facts);
  if (isJobPod(pod) && isPartOfRunningJob(symptom)) return { class: "starting", symptom: null };
  return { class: "notReady", symptom };
}
__name(examinePod, "examinePod");
function isOnExcusedNode(pod, { eligibleNode, sandboxError, node, nodesReadable }) {
  if (pod.controller?.kind !== "DaemonSet" || eligibleNode) return false;
  const isCalicos = sandboxError?.cause === "CalicoUnauthorized";
  return !isCalicos || whyNodeIsLost(pod, node, nodesReadable) !== null;
}
__name(isOnExcusedNode, "isOnExcusedNode");
function excused(pod) {
  if (pod.deletionAtMs !== null) return { class: "terminating", symptom: null };
  return examineEnded(pod, null)?.class === "completed" ? { class: "completed", symptom: null } : { class: pod.phase === "Failed" ? "superseded" : "starting", symptom: null };
}
__name(excused, "excused");
function onLostNode(pod, message, { node, now }) {
  const symptom = { stage: "node", cause: "NodeNotReady", message, derivedFrom: pod.nodeName ?? "" };
  const lostAtMs = nodeLostAtMs(node);
  if (!isReady(pod) || lostAtMs === null) return symptom;
  return { ...symptom, sinceMs: Math.min(Math.max(lostAtMs, pod.createdAtMs), now.atMs) };
}
__name(onLostNode, "onLostNode");
function examineReady(pod, { now, timing, events }, facts) {
  const evidence2 = { facts, events, now, timing };
  const looping = crashLoopingContainer(pod, evidence2);
  const readyForMs = now.elapsedMs - (facts.readySinceElapsedMs ?? now.elapsedMs);
  if (looping === null || readyForMs >= timing.crashLoopReadyMs) return READY;
  return { class: "notReady", symptom: readyButCrashLooping(looping, pod, evidence2) };
}
__name(examineReady, "examineReady");
function symptomOf5(pod, circumstances, facts) {
  const { events, sandboxError, now, timing } = circumstances;
  return schedulingSymptom(pod, events) ?? sandboxSymptom(pod, { sandboxError, events, nowMs: now.atMs, timing }) ?? imageSymptom(pod, facts.pullErrors, events) ?? configSymptom(pod) ?? startSymptom(pod) ?? crashSymptom(pod, { facts, events, now, timing }) ?? unknownWaiting(pod) ?? probeSymptom(pod, events) ?? readinessGateSymptom(pod) ?? unknown(pod);
}
__name(symptomOf5, "symptomOf");
function unknownWaiting(pod) {
  for (const container of pod.containers) {
    if (container.state.kind !== "waiting" || isWaitingItsTurn(container)) continue;
    const { reason, message } = container.state;
    return { stage: "start", cause: "Unknown", message: withDetail(`${containerName(container)}: ${reason}`, message) };
  }
  return null;
}
__name(unknownWaiting, "unknownWaiting");
function unknown(pod) {
  const ready = conditionOf(pod.conditions, "Ready");
  if (ready === null) return { stage: "probe", cause: "Unknown", message: "it has no Ready condition" };
  const told = withDetail(`Ready is ${ready.status}`, withDetail(ready.reason, ready.message));
  if (ready.reason !== "" || ready.message !== "") return { stage: "probe", cause: "Unknown", message: told };
  const message = `${told}, without a reason: node ${pod.nodeName} may have stopped reporting`;
  return { stage: "node", cause: "Unknown", message, patienceMs: PERHAPS_LOST_MS };
}
__name(unknown, "unknown");

// src/health/pod-patience.ts
function sinceMsOf(pod, symptom, facts, nowMs) {
  return Math.min(pod.deletionAtMs ?? symptom.sinceMs ?? facts.notReadySinceMs ?? pod.createdAtMs, nowMs);
}
__name(sinceMsOf, "sinceMsOf");
function effectivePatienceMs(symptom, sinceMs, facts, { stuckAfterMs, timing }) {
  if (stuckAfterMs > 0 && facts.firstSeenAtMs - sinceMs > stuckAfterMs) return 0;
  return symptom.patienceMs === void 0 ? patienceMs(symptom.cause, timing) : symptom.patienceMs;
}
__name(effectivePatienceMs, "effectivePatienceMs");
var ENOUGH_OBSERVATIONS = 2;
function fatality(symptom, sinceMs, context) {
  const { memory, now, timing } = context;
  const patience = effectivePatienceMs(symptom, sinceMs, memory, context);
  if (patience === null) return { fatal: false, fatalAtMs: null };
  const atServer = /* @__PURE__ */ __name((elapsedMs) => now.atMs + elapsedMs - now.elapsedMs, "atServer");
  const isSeenEnough = memory.observations >= ENOUGH_OBSERVATIONS;
  if (patience === 0) {
    const beganMs3 = memory.atOnceSinceElapsedMs ?? now.elapsedMs;
    return { fatal: isSeenEnough, fatalAtMs: atServer(beganMs3 + timing.observationGapMs) };
  }
  const beganBeforeMs = symptom.beganAtMs === void 0 ? 0 : now.atMs - symptom.beganAtMs;
  const beganMs2 = Math.min(memory.causeSinceElapsedMs, now.elapsedMs - beganBeforeMs);
  const endsMs = beganMs2 + patience;
  const fatal = isSeenEnough && memory.lastLiveElapsedMs !== null && memory.lastLiveElapsedMs >= endsMs;
  return { fatal, fatalAtMs: atServer(endsMs) };
}
__name(fatality, "fatality");

// src/health/pod.ts
function judgePod(pod, context) {
  const examination = examinePod(pod, context, context.memory);
  const { symptom } = examination;
  if (symptom === null) return { pod, class: examination.class, finding: null };
  const sinceMs = sinceMsOf(pod, symptom, context.memory, context.now.atMs);
  const harmless = { holdsBack: false, fatal: false, fatalAtMs: null };
  if (examination.class !== "notReady") {
    return { pod, class: examination.class, finding: findingOf(pod, symptom, sinceMs, context, harmless) };
  }
  if (isStarting(pod, sinceMs, context)) {
    const grace = pod.deletionAtMs === null ? "starting" : "terminating";
    return { pod, class: grace, finding: findingOf(pod, symptom, sinceMs, context, harmless) };
  }
  const weight = { holdsBack: true, ...fatality(symptom, sinceMs, context) };
  return { pod, class: "notReady", finding: findingOf(pod, symptom, sinceMs, context, weight) };
}
__name(judgePod, "judgePod");
function isStarting(pod, sinceMs, context) {
  const { stuckAfterMs, now, timing, memory, sandboxError } = context;
  const isYoung = stuckAfterMs > 0 && now.atMs - sinceMs < stuckAfterMs;
  if (!isYoung || sandboxError?.cause === "CalicoUnauthorized") return false;
  return crashLoopingContainer(pod, { facts: memory, now, timing }) === null;
}
__name(isStarting, "isStarting");
function findingOf(pod, symptom, sinceMs, { owner }, weight) {
  const message = symptom.message || CAUSES[symptom.cause].title;
  return {
    namespace: pod.namespace,
    pod: pod.name,
    uid: pod.uid,
    node: pod.nodeName,
    owner: owner === null ? null : { kind: owner.kind, name: owner.name },
    stage: symptom.stage,
    cause: symptom.cause,
    message: pod.mirror ? `${message} (a static pod: only its manifest on the node changes it)` : message,
    sinceMs,
    derivedFrom: symptom.derivedFrom ?? null,
    ...weight
  };
}
__name(findingOf, "findingOf");

// src/health/node-clock.ts
var CLOCK_TOLERANCE_MS = 1e4;
var NOT_THE_KUBELETS = ["PodScheduled", "DisruptionTarget"];
function nodeClockAheadMs(pod, nowMs) {
  const conditions = pod.conditions.filter(
    ({ type }) => !NOT_THE_KUBELETS.includes(type) && !pod.readinessGates.includes(type)
  );
  const times = [...conditions.map(({ lastTransitionAtMs }) => lastTransitionAtMs), ...pod.containers.flatMap(timesOf)];
  const newestMs = times.reduce((newest2, time) => Math.max(newest2, time ?? 0), 0);
  const aheadMs = newestMs - nowMs;
  return aheadMs > CLOCK_TOLERANCE_MS ? aheadMs : 0;
}
__name(nodeClockAheadMs, "nodeClockAheadMs");
function timesOf({ state, lastEnd }) {
  const ended = lastEnd === null ? [] : [lastEnd.startedAtMs, lastEnd.finishedAtMs];
  switch (state.kind) {
    case "running":
      return [state.startedAtMs, ...ended];
    case "terminated":
      return [state.startedAtMs, state.finishedAtMs, ...ended];
    case "waiting":
    case "none":
      return ended;
  }
}
__name(timesOf, "timesOf");

// src/health/pod-memory.ts
var WHOLE_SECOND_MS = 1e3;
var OLDEST_PICTURE_MS = 9e4;
function rememberPod(previous, pod, circumstances, live) {
  const { now } = circumstances;
  const facts = factsOf(previous, pod, circumstances.events, now);
  const { symptom } = examinePod(pod, circumstances, facts);
  const lastLiveElapsedMs = live ? now.elapsedMs : previous?.lastLiveElapsedMs ?? null;
  if (symptom === null) return { ...facts, ...NOTHING_WRONG, causeSinceElapsedMs: now.elapsedMs, lastLiveElapsedMs };
  const { stage, cause } = symptom;
  const isSame = previous !== void 0 && previous.stage === stage && previous.cause === cause;
  const sinceMs = sinceMsOf(pod, symptom, facts, now.atMs);
  const isAtOnce = effectivePatienceMs(symptom, sinceMs, facts, circumstances) === 0;
  const counts = isSame && (previous.atOnceSinceElapsedMs !== null || !isAtOnce) ? previous : null;
  return {
    ...facts,
    stage,
    cause,
    causeSinceElapsedMs: isSame ? previous.causeSinceElapsedMs : now.elapsedMs,
    atOnceSinceElapsedMs: isAtOnce ? counts?.atOnceSinceElapsedMs ?? now.elapsedMs : null,
    ...observe(counts, now, circumstances.timing.observationGapMs, live),
    lastLiveElapsedMs
  };
}
__name(rememberPod, "rememberPod");
var NOTHING_WRONG = {
  stage: null,
  cause: null,
  atOnceSinceElapsedMs: null,
  observations: 0,
  lastObservationElapsedMs: 0
};
function observe(previous, now, gapMs2, live) {
  const { observations, lastObservationElapsedMs } = previous ?? NOTHING_WRONG;
  const isFirst = observations === 0;
  if (!live || !isFirst && now.elapsedMs - lastObservationElapsedMs < gapMs2) {
    return { observations, lastObservationElapsedMs };
  }
  return { observations: observations + 1, lastObservationElapsedMs: now.elapsedMs };
}
__name(observe, "observe");
function factsOf(previous, pod, events, now) {
  const abnormalEnds2 = abnormalEndsSeen(pod, previous?.abnormalEnds ?? null, now.elapsedMs);
  return {
    firstSeenElapsedMs: previous?.firstSeenElapsedMs ?? now.elapsedMs,
    firstSeenAtMs: previous?.firstSeenAtMs ?? now.atMs,
    pullErrors: pullErrorsOf(pod, previous?.pullErrors ?? NO_CONTAINERS, events),
    abnormalEnds: abnormalEnds2,
    ...readiness(previous, pod, endedMeanwhile(previous, abnormalEnds2), now)
  };
}
__name(factsOf, "factsOf");
function endedMeanwhile(previous, abnormalEnds2) {
  if (previous === void 0) return false;
  for (const [name, { count }] of abnormalEnds2) {
    if (count > (previous.abnormalEnds.get(name)?.count ?? 0)) return true;
  }
  return false;
}
__name(endedMeanwhile, "endedMeanwhile");
function readiness(previous, pod, hasEnded2, now) {
  const readyChangedAtMs = conditionOf(pod.conditions, "Ready")?.lastTransitionAtMs ?? null;
  const isUnchanged = previous !== void 0 && previous.readyChangedAtMs === readyChangedAtMs;
  const changedAtMs = Math.max(readyChangedAtMs ?? pod.createdAtMs, pod.createdAtMs);
  if (isReady(pod)) {
    const isStillReady = isUnchanged && previous.readySinceElapsedMs !== null && !hasEnded2;
    const beforeMs = previous === void 0 ? Math.max(0, now.atMs - changedAtMs) : 0;
    return {
      readyChangedAtMs,
      readySinceElapsedMs: isStillReady ? previous.readySinceElapsedMs : now.elapsedMs - beforeMs,
      notReadySinceMs: null,
      lastReadyAtMs: now.atMs
    };
  }
  const lastReadyAtMs = previous?.lastReadyAtMs ?? null;
  const isStillNotReady = isUnchanged && previous.notReadySinceMs !== null;
  const beganMs2 = wasNeverReady(pod, readyChangedAtMs) ? boundAtMs(pod, now) : changedAtMs;
  const sawReadyMs = lastReadyAtMs === null ? beganMs2 : Math.max(changedAtMs, lastReadyAtMs - OLDEST_PICTURE_MS);
  return {
    readyChangedAtMs,
    readySinceElapsedMs: null,
    notReadySinceMs: isStillNotReady ? previous.notReadySinceMs : Math.min(sawReadyMs, now.atMs),
    lastReadyAtMs
  };
}
__name(readiness, "readiness");
function wasNeverReady({ startTimeMs }, readyChangedAtMs) {
  return startTimeMs !== null && readyChangedAtMs !== null && readyChangedAtMs - startTimeMs <= WHOLE_SECOND_MS;
}
__name(wasNeverReady, "wasNeverReady");
function boundAtMs({ conditions, createdAtMs }, { atMs }) {
  const scheduledAtMs = conditionOf(conditions, "PodScheduled")?.lastTransitionAtMs ?? createdAtMs;
  return scheduledAtMs - atMs > CLOCK_TOLERANCE_MS ? createdAtMs : Math.max(scheduledAtMs, createdAtMs);
}
__name(boundAtMs, "boundAtMs");

// src/health/siblings.ts
function countSiblings(pods) {
  const activeOn = /* @__PURE__ */ new Set();
  const readyOn = /* @__PURE__ */ new Set();
  let active = 0;
  let ready = 0;
  let youngestReadyAtMs = -Infinity;
  for (const pod of pods) {
    if (!isActive(pod)) continue;
    active += 1;
    if (pod.nodeName !== null) activeOn.add(pod.nodeName);
    if (!isReady(pod)) continue;
    ready += 1;
    youngestReadyAtMs = Math.max(youngestReadyAtMs, pod.createdAtMs);
    if (pod.nodeName !== null) readyOn.add(pod.nodeName);
  }
  return { active, ready, activeOn, readyOn, youngestReadyAtMs };
}
__name(countSiblings, "countSiblings");
function isSatisfiedWithout(pod, workload, siblings, wholeInScope) {
  if (workload === null) return siblings.youngestReadyAtMs > pod.createdAtMs;
  switch (workload.kind) {
    case "DaemonSet": {
      const others = hasEnded(pod) ? siblings.activeOn : siblings.readyOn;
      return others.has(pod.nodeName ?? "");
    }
    case "Job":
      return isTrue(conditionOf(workload.conditions, "Complete"));
    case "Deployment":
    case "StatefulSet": {
      const others = hasEnded(pod) ? siblings.active : siblings.ready;
      return (wholeInScope ? others : Math.max(others, workload.ready)) >= workload.desired;
    }
  }
}
__name(isSatisfiedWithout, "isSatisfiedWithout");

// src/health/judged-pods.ts
function judgePods(observation, before2, finder, eligible, events) {
  const { snapshot, sandboxErrors, now, timing, settings } = observation;
  const nodes = new Map((snapshot.nodes ?? []).map((node) => [node.name, node]));
  const isLive = liveNamespaces(observation);
  const owners = snapshot.pods.map((pod) => ownerOf(pod, finder));
  const siblingsOf = siblingIndex(snapshot.pods, owners);
  const memory = /* @__PURE__ */ new Map();
  const pods = snapshot.pods.map((pod, index) => {
    const owner = owners[index] ?? null;
    const circumstances = {
      owner: owner === null ? null : ownerFor(pod, owner, siblingsOf, settings.selector === null),
      sandboxError: sandboxErrors.get(pod.uid) ?? null,
      events: events.about(pod),
      node: pod.nodeName === null ? null : nodes.get(pod.nodeName) ?? null,
      nodesReadable: snapshot.nodes !== null,
      eligibleNode: pod.controller?.kind !== "DaemonSet" || eligible.counts(pod),
      now,
      timing,
      stuckAfterMs: settings.stuckAfterMs
    };
    const remembered = rememberPod(before2.get(pod.uid), pod, circumstances, isLive(pod.namespace));
    memory.set(pod.uid, remembered);
    return { state: judgePod(pod, { ...circumstances, memory: remembered }), owner };
  });
  return { pods, memory };
}
__name(judgePods, "judgePods");
function liveNamespaces({ snapshot }) {
  const { coverage } = snapshot;
  if (!coverage.gaps.some(({ resource }) => resource === "pods")) return () => true;
  return (namespace) => isFresh(coverage, "pods", namespace);
}
__name(liveNamespaces, "liveNamespaces");
function ownerFor(pod, { kind, name, workload }, siblingsOf, wholeInScope) {
  const isAsked = !isActive(pod) || !isReady(pod);
  const satisfied = isAsked && isSatisfiedWithout(pod, workload, siblingsOf(pod, { workload }), wholeInScope);
  return { kind, name, workload, satisfied };
}
__name(ownerFor, "ownerFor");
function siblingIndex(pods, owners) {
  const groups = /* @__PURE__ */ new Map();
  for (const [index, pod] of pods.entries()) {
    const owner = owners[index];
    if (owner === null || owner === void 0) continue;
    const key = keyOf3(pod, owner);
    const group = groups.get(key);
    if (group === void 0) groups.set(key, [pod]);
    else group.push(pod);
  }
  const counted = /* @__PURE__ */ new Map();
  return (pod, owner) => {
    const key = keyOf3(pod, owner);
    const known = counted.get(key) ?? countSiblings(groups.get(key) ?? []);
    counted.set(key, known);
    return known;
  };
}
__name(siblingIndex, "siblingIndex");
function keyOf3(pod, owner) {
  return `${pod.namespace} ${owner.workload?.uid ?? pod.controller?.uid ?? ""}`;
}
__name(keyOf3, "keyOf");
var NO_EVENTS = [];
function indexEvents(events) {
  const byUid = /* @__PURE__ */ new Map();
  for (const event of events) {
    if (event.about.uid === "" || event.namespace !== event.about.namespace) continue;
    const known = byUid.get(event.about.uid);
    if (known === void 0) byUid.set(event.about.uid, [event]);
    else known.push(event);
  }
  return {
    about: /* @__PURE__ */ __name(({ namespace, uid }) => {
      const found = byUid.get(uid);
      if (found === void 0) return NO_EVENTS;
      return found.every((event) => event.namespace === namespace) ? found : found.filter((event) => event.namespace === namespace);
    }, "about")
  };
}
__name(indexEvents, "indexEvents");

// src/label-syntax.ts
var MAX_LABEL_LENGTH = 63;
var MAX_SUBDOMAIN_LENGTH = 253;
var QUALIFIED_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?$/;
var DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
var DNS_SUBDOMAIN = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;
function isLabelKey(text3) {
  const [first = "", second, ...more2] = text3.split("/");
  if (more2.length > 0) return false;
  if (second === void 0) return isQualifiedName(first);
  return first.length <= MAX_SUBDOMAIN_LENGTH && DNS_SUBDOMAIN.test(first) && isQualifiedName(second);
}
__name(isLabelKey, "isLabelKey");
function isQualifiedName(text3) {
  return text3.length <= MAX_LABEL_LENGTH && QUALIFIED_NAME.test(text3);
}
__name(isQualifiedName, "isQualifiedName");
function isLabelValue(text3) {
  return text3 === "" || isQualifiedName(text3);
}
__name(isLabelValue, "isLabelValue");
function isNamespaceName(text3) {
  return text3.length <= MAX_LABEL_LENGTH && DNS_LABEL.test(text3);
}
__name(isNamespaceName, "isNamespaceName");

// src/selector.ts
var BETWEEN_REQUIREMENTS = /,(?![^(]*\))/;
var ABSENT = /^!\s*(?<key>[^\s=!(),<>]+)$/;
var EXISTS = /^(?<key>[^\s=!(),<>]+)$/;
var EQUALITY = /^(?<key>[^\s=!(),<>]+)\s*(?<operator>==|=|!=)\s*(?<value>[^\s=!(),<>]*)$/;
var SET = /^(?<key>[^\s=!(),<>]+)\s+(?<operator>in|notin)\s*\((?<values>[^()]*)\)$/;
function parseSelector(text3) {
  const selector = [];
  for (const part of text3.split(BETWEEN_REQUIREMENTS)) {
    const requirement = parseRequirement(part.trim());
    if ("problem" in requirement) return requirement;
    selector.push(requirement);
  }
  return { selector };
}
__name(parseSelector, "parseSelector");
function parseRequirement(text3) {
  if (text3 === "") return { problem: "a requirement is missing beside a comma" };
  const match = ABSENT.exec(text3) ?? EXISTS.exec(text3) ?? EQUALITY.exec(text3) ?? SET.exec(text3);
  if (match === null) return { problem: `${quote(text3)} is no requirement` };
  const { key = "", operator, value, values } = match.groups ?? {};
  if (!isLabelKey(key)) return { problem: `${quote(key)} is no label key` };
  if (operator === void 0) return { key, operator: text3.startsWith("!") ? "absent" : "exists" };
  if (values?.trim() === "") return { problem: `${quote(text3)} has no value between its brackets` };
  const listed = value === void 0 ? (values ?? "").split(",").map((one) => one.trim()) : [value];
  const wrong = listed.find((one) => !isLabelValue(one));
  if (wrong !== void 0) return { problem: `${quote(wrong)} is no label value` };
  return { key, operator: operator === "!=" || operator === "notin" ? "notin" : "in", values: [...new Set(listed)] };
}
__name(parseRequirement, "parseRequirement");
function matchesSelector(selector, labels) {
  return selector.every((requirement) => meets(requirement, labels));
}
__name(matchesSelector, "matchesSelector");
function meets(requirement, labels) {
  const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : void 0;
  switch (requirement.operator) {
    case "exists":
      return value !== void 0;
    case "absent":
      return value === void 0;
    case "in":
      return value !== void 0 && requirement.values.includes(value);
    case "notin":
      return value === void 0 || !requirement.values.includes(value);
  }
}
__name(meets, "meets");

// src/health/derived.ts
var HELD_BY_PODS = /anti-affinity|free ports|Insufficient |Too many pods|max volume count|ReadWriteOncePod|Multi-Attach|already (?:exclusively attached|used)/;
function waitsForOverdue(finding, siblings) {
  if (finding.derivedFrom !== null) return null;
  if (finding.cause !== "Unschedulable" && finding.cause !== "VolumeAttach") return null;
  if (!HELD_BY_PODS.test(finding.message)) return null;
  return worstOverdue(siblings.filter(({ pod }) => !hasEnded(pod)))?.finding ?? null;
}
__name(waitsForOverdue, "waitsForOverdue");
function derive(finding, root) {
  const derivedFrom = root.pod === null ? root.node ?? null : fullName({ namespace: root.namespace, name: root.pod });
  if (!root.holdsBack) return { ...finding, derivedFrom };
  return { ...finding, derivedFrom, fatal: root.fatal, fatalAtMs: root.fatalAtMs };
}
__name(derive, "derive");

// src/health/memory.ts
var EMPTY_HEALTH_MEMORY = {
  looks: 0,
  seen: /* @__PURE__ */ new Set(),
  pods: /* @__PURE__ */ new Map(),
  workloads: /* @__PURE__ */ new Map(),
  troubles: /* @__PURE__ */ new Map(),
  windows: /* @__PURE__ */ new Map(),
  failedJobs: NO_FAILED_JOBS,
  evidence: [],
  reconnections: 0,
  clocksAhead: /* @__PURE__ */ new Map()
};
function isAddedLately(pod, podMemory, workload, look2) {
  if (workload === void 0 || workload.completeSeenElapsedMs === null || podMemory === void 0) return false;
  return workload.template === look2.template && podMemory.firstSeenElapsedMs > workload.completeSeenElapsedMs && look2.nowMs - pod.createdAtMs < look2.addedPodMs && !isReady(pod);
}
__name(isAddedLately, "isAddedLately");
function templateSeenAtMs(before2, template, nowMs) {
  if (before2 === void 0) return null;
  return before2.template === template ? before2.templateSeenAtMs : nowMs;
}
__name(templateSeenAtMs, "templateSeenAtMs");
function rememberWorkload(before2, template, isComplete, now) {
  if (template === null) return before2;
  const isSame = before2?.template === template;
  const completeBefore = isSame ? before2.completeSeenElapsedMs : null;
  return {
    template,
    templateSeenAtMs: templateSeenAtMs(before2, template, now.atMs),
    completeSeenElapsedMs: completeBefore ?? (isComplete ? now.elapsedMs : null)
  };
}
__name(rememberWorkload, "rememberWorkload");

// src/health/old-pods.ts
function oldPods(workload, active) {
  switch (workload.kind) {
    case "Deployment":
    case "DaemonSet":
      return notOfTheYoungest(active, workload.updated);
    case "StatefulSet":
      return active.filter((pod) => isOldReplica(workload, pod));
    case "Job":
      return [];
  }
}
__name(oldPods, "oldPods");
function oldPodsLeft(workload, states) {
  if (!isObserved2(workload)) return {};
  const old = oldPods(workload, states.map(({ pod }) => pod).filter(isActive));
  if (old.length === 0) return {};
  return { old: { pods: new Set(old.map(({ name }) => name)), ready: old.filter(isReady).length } };
}
__name(oldPodsLeft, "oldPodsLeft");
function notOfTheYoungest(active, updated) {
  if (updated === 0) return active;
  let youngest = null;
  for (const pod of active) if (youngest === null || isYounger(pod, youngest)) youngest = pod;
  return active.filter((pod) => pod.revision !== youngest?.revision);
}
__name(notOfTheYoungest, "notOfTheYoungest");
function isYounger(pod, other) {
  if (pod.createdAtMs !== other.createdAtMs) return pod.createdAtMs > other.createdAtMs;
  return pod.name > other.name;
}
__name(isYounger, "isYounger");
function isOldReplica(set, pod) {
  if (set.updateRevision === "" || pod.revision === set.updateRevision) return false;
  if (set.strategy !== "RollingUpdate") return true;
  const ordinal = Number(/-(\d+)$/.exec(pod.name)?.[1] ?? Number.NaN);
  return !(ordinal < set.ordinalsStart + set.partition);
}
__name(isOldReplica, "isOldReplica");
function podsToBeReplaced(workload, states) {
  const active = states.map(({ pod }) => pod).filter(isActive);
  if (!replacesPods(workload)) return NOBODY;
  if (!isObserved2(workload)) return uidsOf(active);
  const old = uidsOf(oldPods(workload, active));
  if (workload.kind !== "StatefulSet") return old;
  const moves = states.some(({ pod, class: podClass }) => podClass !== "ready" && !old.has(pod.uid));
  return moves ? old : NOBODY;
}
__name(podsToBeReplaced, "podsToBeReplaced");
function replacesPods(workload) {
  switch (workload.kind) {
    case "Deployment":
      return !workload.paused && workload.desired > 0;
    case "StatefulSet":
    case "DaemonSet":
      return workload.strategy === "RollingUpdate";
    case "Job":
      return false;
  }
}
__name(replacesPods, "replacesPods");
var NOBODY = /* @__PURE__ */ new Set();
function uidsOf(pods) {
  return new Set(pods.map((pod) => pod.uid));
}
__name(uidsOf, "uidsOf");

// src/health/daemon-set.ts
function judgeDaemonSet(set, context) {
  const numbers = { desired: set.desired ?? 0, ready: set.ready };
  const name = fullName(set);
  if (set.deletionAtMs !== null) {
    return nothingLacks(numbers, { notes: [`DaemonSet ${name} is being deleted: it is not waited for`] });
  }
  if (!isObserved2(set)) return unobserved(set, numbers);
  if (set.desired === null) {
    const silent2 = "its controller has not said yet on how many nodes it wants a pod";
    return lacking(numbers, [notRolledOut(silent2, null)]);
  }
  const tally = tallyPods(countedPods(set, context));
  const excused2 = excusedOf(set, set.desired, tally, context);
  const measured = { desired: Math.max(0, set.desired - excused2.notReady - excused2.missing), ready: set.ready };
  const old = Math.max(0, Math.min(set.desired - set.updated, oldPods(set, tally.active).length));
  const onDelete = set.strategy === "OnDelete";
  const notes = onDelete && old > 0 ? [`DaemonSet ${name} (OnDelete): ${countOfPods(old)} of the old template`] : [];
  const ready = availableOf(set.ready, tally, context);
  const available = availableOf(set.available, tally, context);
  const lacks = lackOf({ ...set, ready, available }, set.desired, measured.desired, tally, excused2);
  const starting = context.pods.filter((state) => state.class === "starting" && context.nodes.counts(state.pod)).length;
  const byStarting = starting > 0 && measured.desired - (onDelete ? ready : available) <= starting;
  if (lacks === null || byStarting) return nothingLacks(measured, { notes });
  return lacking(measured, troublesOf(set, context, tally, lacks, excused2.missing), { notes });
}
__name(judgeDaemonSet, "judgeDaemonSet");
function countedPods({ current }, { pods, nodes }) {
  const present2 = pods.filter(({ pod }) => !nodes.isLeft(pod));
  return present2.length === pods.length || current >= pods.length ? pods : present2;
}
__name(countedPods, "countedPods");
function excusedOf(set, desired, tally, { nodes }) {
  const there = tally.active.filter((pod) => !nodes.counts(pod));
  const old = new Set(oldPods(set, tally.active));
  const withPod = new Set(tally.active.map((pod) => pod.nodeName));
  const bare2 = nodes.excused === null ? 0 : [...nodes.excused].filter((node) => !withPod.has(node)).length;
  const ready = there.filter(isReady).length;
  return {
    ready,
    notReady: there.length - ready,
    // A pod that its controller still counts is gone from somewhere: that is not for want of one on these nodes.
    missing: Math.max(0, Math.min(desired - Math.max(tally.active.length, set.current), bare2)),
    old: there.filter((pod) => old.has(pod)).length
  };
}
__name(excusedOf, "excusedOf");
function lackOf(set, scheduled2, measured, tally, excused2) {
  const wanted = scheduled2 - excused2.missing;
  if (tally.active.length < wanted && set.current < wanted) return `${set.current} of ${wanted} pods exist`;
  if (set.strategy === "OnDelete") return lackOfPods(set.ready, measured, "ready");
  if (set.updated + excused2.old < wanted) return `${set.updated} of ${wanted} pods are of the new pod template`;
  if (set.available + excused2.ready < measured) return lackOfPods(set.available, measured, "available");
  return lackOfPods(set.ready, measured, "ready");
}
__name(lackOf, "lackOf");
function lackOfPods(have, desired, what) {
  return have < desired ? `${have} of ${desired} pods are ${what}` : null;
}
__name(lackOfPods, "lackOfPods");
function troublesOf(set, context, tally, lacks, excusedMissing) {
  const missing = (set.desired ?? 0) - tally.active.length - excusedMissing > 0;
  const waitsFor = missing ? tally.overdue : null;
  if (missing && waitsFor === null) {
    const refusal2 = refusalInEvents(context.events, tally.active, context.nowMs);
    if (refusal2 !== null) {
      return [createRefused(refusal2, `${tally.active.length} of ${set.desired} pods exist`, tally, context)];
    }
  }
  if (waitsFor === null && tally.explained) return [];
  return [notRolledOut(lacks, null, waitsFor)];
}
__name(troublesOf, "troublesOf");

// src/health/deployment.ts
function judgeDeployment(deployment, context) {
  const numbers = { desired: deployment.desired, ready: deployment.ready };
  const name = fullName(deployment);
  if (deployment.deletionAtMs !== null) {
    return nothingLacks(numbers, { notes: [`Deployment ${name} is being deleted: it is not waited for`] });
  }
  if (!isObserved2(deployment)) return unobserved(deployment, numbers);
  if (deployment.desired === 0) return nothingLacks(numbers);
  const tally = tallyPods(context.pods);
  const have = availableOf(deployment.paused ? deployment.ready : deployment.available, tally, context);
  const lacks = deployment.paused ? lackOfPaused(deployment, have) : lackOf2(deployment, tally, have);
  const warnings2 = deployment.paused && deployment.updated < deployment.replicas ? [pausedWarning(deployment)] : [];
  if (lacks === null) return nothingLacks(numbers, { warnings: warnings2 });
  const told = toldTroubles(deployment, context, tally, lacks);
  if (told.length > 0) return lacking(numbers, told, { warnings: warnings2 });
  if (isExplainedByStarting(deployment, tally, have)) return nothingLacks(numbers, { warnings: warnings2 });
  return lacking(numbers, countedTroubles(deployment, tally, lacks), { warnings: warnings2 });
}
__name(judgeDeployment, "judgeDeployment");
function lackOfPaused({ desired }, ready) {
  return ready < desired ? `${ready} of ${desired} replicas are ready` : null;
}
__name(lackOfPaused, "lackOfPaused");
function lackOf2(deployment, tally, available) {
  const { desired, updated, replicas } = deployment;
  if (updated < desired)
    return `${updated} of ${desired} replicas are of the new pod template, ${available} are available`;
  const old = Math.max(replicas - updated, oldPods(deployment, tally.active).length);
  if (old > 0) return `${countOfPods(old)} of an older pod template ${old === 1 ? "is" : "are"} still there`;
  return available < desired ? `${available} of ${desired} replicas are available` : null;
}
__name(lackOf2, "lackOf");
function isExplainedByStarting(deployment, tally, have) {
  return tally.starting > 0 && deployment.desired - have <= tally.starting;
}
__name(isExplainedByStarting, "isExplainedByStarting");
function toldTroubles(deployment, context, tally, lacks) {
  const troubles = [];
  const refusal2 = refusalOfDeployment(deployment, context.nowMs);
  if (refusal2 !== null) {
    const have = `${deployment.replicas} of ${deployment.desired} replicas exist`;
    troubles.push(createRefused(refusal2, have, tally, context));
  }
  const exceeded = exceededDeadline(deployment, context, tally);
  if (exceeded !== null) {
    const message = `${lacks}; ${exceeded.message || "its progress deadline is exceeded"}`;
    const sinceMs = exceeded.lastTransitionAtMs ?? exceeded.lastUpdateAtMs;
    troubles.push({ stage: "workload", cause: "ProgressDeadline", message, sinceMs, waitsFor: null });
  }
  return troubles;
}
__name(toldTroubles, "toldTroubles");
function countedTroubles(deployment, tally, lacks) {
  const missing = tally.active.length < deployment.desired && deployment.replicas < deployment.desired;
  const waitsFor = missing ? tally.overdue : null;
  if (waitsFor === null && tally.explained) return [];
  return [notRolledOut(`${lacks}${whyMissing(deployment, tally, missing)}`, lackingSince(deployment), waitsFor)];
}
__name(countedTroubles, "countedTroubles");
function whyMissing({ strategy }, tally, missing) {
  if (!missing) return "";
  const old = tally.overdue ?? tally.leaving;
  if (old === null) return "";
  return strategy === "Recreate" ? `; its strategy Recreate makes no new pod before ${old} is gone` : `; ${old} is not gone yet`;
}
__name(whyMissing, "whyMissing");
function lackingSince(deployment) {
  const available = conditionOf(deployment.conditions, "Available");
  if (available?.status === "False") return available.lastTransitionAtMs;
  return conditionOf(deployment.conditions, "Progressing")?.lastUpdateAtMs ?? null;
}
__name(lackingSince, "lackingSince");
function exceededDeadline(deployment, context, tally) {
  const condition = conditionOf(deployment.conditions, "Progressing");
  if (condition?.status !== "False" || condition.reason !== "ProgressDeadlineExceeded") return null;
  const saidAtMs = condition.lastUpdateAtMs ?? condition.lastTransitionAtMs;
  if (saidAtMs === null) return condition;
  if (context.templateSeenAtMs !== null && saidAtMs < context.templateSeenAtMs) return null;
  const old = new Set(oldPods(deployment, tally.active));
  const present2 = tally.active.filter((pod) => !old.has(pod));
  const isOlderThanAll = present2.length > 0 && present2.every((pod) => pod.createdAtMs > saidAtMs);
  return isOlderThanAll ? null : condition;
}
__name(exceededDeadline, "exceededDeadline");
function pausedWarning(deployment) {
  const old = deployment.replicas - deployment.updated;
  return `Deployment ${fullName(deployment)} is paused and its pod template is not rolled out: ${countOfPods(old)} of an older one (kubectl rollout resume deployment/${deployment.name} -n ${deployment.namespace})`;
}
__name(pausedWarning, "pausedWarning");

// src/health/stateful-set.ts
function judgeStatefulSet(set, context) {
  const numbers = { desired: set.desired, ready: set.ready };
  if (set.deletionAtMs !== null) {
    return nothingLacks(numbers, { notes: [`StatefulSet ${fullName(set)} is being deleted: it is not waited for`] });
  }
  if (!isObserved2(set)) return unobserved(set, numbers);
  if (set.desired === 0) return nothingLacks(numbers);
  const tally = tallyPods(context.pods);
  const onDelete = set.strategy === "OnDelete";
  const old = oldPods(set, tally.active).length;
  const notes = onDelete && old > 0 ? [`StatefulSet ${fullName(set)} (OnDelete): ${countOfPods(old)} of the old revision`] : [];
  const have = availableOf(onDelete ? set.ready : set.available, tally, context);
  const lacks = onDelete ? lackOfPods2(have, set.desired, "ready") : lackOf3(set, old, have);
  const excused2 = tally.starting > 0 && set.desired - have <= tally.starting;
  if (lacks === null || excused2) return nothingLacks(numbers, { notes });
  return lacking(numbers, troublesOf2(set, context, tally, lacks), { notes });
}
__name(judgeStatefulSet, "judgeStatefulSet");
function lackOfPods2(have, desired, what) {
  return have < desired ? `${have} of ${desired} replicas are ${what}` : null;
}
__name(lackOfPods2, "lackOfPods");
function lackOf3(set, old, available) {
  const wanted = Math.max(0, set.desired - set.partition);
  if (set.updated < wanted) {
    const partition = set.partition > 0 ? ` (partition ${set.partition})` : "";
    return `${set.updated} of ${wanted} replicas${partition} have the new revision, ${available} are available`;
  }
  if (old > 0) return `${countOfPods(old)} of the old revision ${old === 1 ? "is" : "are"} still there`;
  return lackOfPods2(available, set.desired, "available");
}
__name(lackOf3, "lackOf");
function troublesOf2(set, context, tally, lacks) {
  const missing = tally.active.length < set.desired;
  const waitsFor = missing ? tally.overdue : null;
  if (missing && waitsFor === null) {
    const refusal2 = refusalInEvents(context.events, tally.active, context.nowMs);
    if (refusal2 !== null) {
      const have = `${tally.active.length} of ${set.desired} replicas exist`;
      return [createRefused(refusal2, have, tally, context)];
    }
  }
  if (waitsFor === null && tally.explained) return [];
  const old = missing ? tally.overdue ?? tally.leaving : null;
  const why = old === null ? "" : `; the pod that is to follow ${old} has its name and comes after it is gone`;
  return [notRolledOut(`${lacks}${why}`, null, waitsFor)];
}
__name(troublesOf2, "troublesOf");

// src/health/workload.ts
function judgeWorkload(workload, context) {
  switch (workload.kind) {
    case "Deployment":
      return judgeDeployment(workload, context);
    case "StatefulSet":
      return judgeStatefulSet(workload, context);
    case "DaemonSet":
      return judgeDaemonSet(workload, context);
    case "Job":
      return judgeJob(workload, context);
  }
}
__name(judgeWorkload, "judgeWorkload");

// src/health/judged-workloads.ts
function judgeWorkloads(input) {
  const { observation, before: before2, failedJobs, nodes, events } = input;
  const { now, timing, settings, snapshot } = observation;
  const podsOf3 = groupByWorkload(input.pods);
  const overdue = overdueByNamespace(input.pods);
  const adopting = namespacesOfStrangers(input.pods);
  const arePodsInSight = /* @__PURE__ */ __name((workload) => (settings.selector === null || showsAllPods(settings.selector, workload)) && isFresh(snapshot.coverage, "pods", workload.namespace) && !(workload.kind === "Deployment" && adopting.has(workload.namespace)), "arePodsInSight");
  return input.workloads.map((workload) => {
    const pods = inTheLightOf(workload, podsOf3.get(workload.uid) ?? NO_PODS, input);
    const rollOut = judgeWorkload(workload, {
      pods,
      events: events.about(workload),
      nodes,
      podsInSight: arePodsInSight(workload),
      templateSeenAtMs: templateSeenAtMs(before2.workloads.get(workload.uid), templateOf(workload), now.atMs),
      madeGood: failedJobs.madeGood.has(workload.uid),
      overdueInNamespace: overdue.get(workload.namespace) ?? null,
      nowMs: now.atMs,
      timing
    });
    return { workload, rollOut, pods };
  });
}
__name(judgeWorkloads, "judgeWorkloads");
var NO_PODS = [];
function showsAllPods(selector, workload) {
  const keepsOld = workload.kind === "StatefulSet" && workload.partition > 0;
  return replacesPods(workload) && !keepsOld && matchesSelector(selector, workload.templateLabels);
}
__name(showsAllPods, "showsAllPods");
function groupByWorkload(pods) {
  const groups = /* @__PURE__ */ new Map();
  for (const { state, owner } of pods) {
    const uid = owner?.workload?.uid;
    if (uid === void 0) continue;
    const group = groups.get(uid);
    if (group === void 0) groups.set(uid, [state]);
    else group.push(state);
  }
  return groups;
}
__name(groupByWorkload, "groupByWorkload");
function namespacesOfStrangers(pods) {
  return new Set(
    pods.flatMap(({ state, owner }) => owner?.unjudged?.kind === "ReplicaSet" ? [state.pod.namespace] : [])
  );
}
__name(namespacesOfStrangers, "namespacesOfStrangers");
function overdueByNamespace(pods) {
  const groups = /* @__PURE__ */ new Map();
  for (const { state } of pods) {
    if (state.finding === null || state.pod.deletionAtMs === null || hasEnded(state.pod)) continue;
    const group = groups.get(state.pod.namespace);
    if (group === void 0) groups.set(state.pod.namespace, [state]);
    else group.push(state);
  }
  const found = /* @__PURE__ */ new Map();
  for (const [namespace, states] of groups) {
    const worst = worstOverdue(states);
    if (worst !== null) found.set(namespace, fullName(worst.pod));
  }
  return found;
}
__name(overdueByNamespace, "overdueByNamespace");
function inTheLightOf(workload, states, input) {
  if (!states.some(({ finding }) => finding?.holdsBack === true)) return states;
  const replaced = podsToBeReplaced(workload, states);
  return states.map((state) => {
    const { finding, pod } = state;
    if (finding?.holdsBack !== true || !isActive(pod)) return state;
    if (isAddedLate(workload, state, finding, input)) {
      return { ...state, class: "starting", finding: { ...finding, holdsBack: false, fatal: false, fatalAtMs: null } };
    }
    const root = waitsForOverdue(finding, states);
    if (root !== null) return { ...state, finding: derive(finding, root) };
    if (!replaced.has(pod.uid) || finding.cause === "CalicoUnauthorized") return state;
    return { ...state, finding: { ...finding, fatal: false, fatalAtMs: null } };
  });
}
__name(inTheLightOf, "inTheLightOf");
function isAddedLate(workload, { pod }, finding, input) {
  if (finding.cause === "CalicoUnauthorized" || finding.stage === "crash" || workload.kind === "Job") return false;
  const { now, timing } = input.observation;
  return isAddedLately(pod, input.podMemory.get(pod.uid), input.before.workloads.get(workload.uid), {
    template: templateOf(workload),
    nowMs: now.atMs,
    addedPodMs: timing.addedPodMs
  });
}
__name(isAddedLate, "isAddedLate");

// src/health/scope.ts
function workloadsInScope(workloads2, settings, owners) {
  const { selector } = settings;
  if (selector === null) return workloads2;
  return workloads2.filter((workload) => owners.has(workload.uid) || matchesSelector(selector, workload.templateLabels));
}
__name(workloadsInScope, "workloadsInScope");
function countForMinPods(states, ofJob) {
  let counted = 0;
  const leftOut = /* @__PURE__ */ new Map();
  for (const state of states) {
    const why = whyLeftOut(state, ofJob);
    if (why === null) counted += 1;
    else leftOut.set(why, (leftOut.get(why) ?? 0) + 1);
  }
  return { counted, leftOut };
}
__name(countForMinPods, "countForMinPods");
function whyLeftOut(state, ofJob) {
  if (isTerminating(state.pod) || state.class === "terminating") return "terminating";
  if (state.class === "superseded") return "superseded";
  if (state.pod.phase === "Failed") return "failed";
  return hasEnded(state.pod) && !ofJob(state) ? "completed" : null;
}
__name(whyLeftOut, "whyLeftOut");
function scopeTroubles(namespaces, pods, settings) {
  const missing = namespaces.filter(({ presence }) => presence === "missing");
  const troubles = missing.map(({ namespace }) => {
    return { namespace, message: `namespace ${namespace} does not exist`, isMissing: true, lacks: 0 };
  });
  if (pods.counted >= settings.minPods || missing.length > 0 && missing.length === namespaces.length) return troubles;
  const [first = ""] = settings.namespaces;
  const onlyNamespace = settings.namespaces.length === 1 ? first : "";
  const lacks = settings.minPods - pods.counted;
  return [...troubles, { namespace: onlyNamespace, message: tooFewMessage(pods, settings), isMissing: false, lacks }];
}
__name(scopeTroubles, "scopeTroubles");
function tooFewMessage({ counted, leftOut }, settings) {
  const found = `${counted} ${counted === 1 ? "pod" : "pods"}`;
  const matched = settings.selectorText === "" ? "in scope" : `matched \`${settings.selectorText}\``;
  const others = [...leftOut].map(([why, count]) => `${count} ${why}`).sort();
  const besides = others.length === 0 ? "" : `; not counted: ${others.join(", ")}`;
  return `${found} ${matched}, expected at least ${settings.minPods} (min-pods)${whereOf2(settings)}${besides}`;
}
__name(tooFewMessage, "tooFewMessage");
function whereOf2({ namespaces }) {
  if (namespaces.length === 0) return "";
  if (namespaces.length > MOST_NAMESPACES_NAMED) return `, in ${namespaces.length} namespaces`;
  return `, in ${namespaces.length === 1 ? "namespace" : "namespaces"} ${namespaces.join(", ")}`;
}
__name(whereOf2, "whereOf");
var MOST_NAMESPACES_NAMED = 3;
var MOST_KINDS_NAMED = 20;
function unjudgedKindWarnings(pods) {
  const byKind = /* @__PURE__ */ new Map();
  for (const { state, owner } of pods) {
    if (owner === null || owner.unjudged === null || isTerminating(state.pod) || hasEnded(state.pod)) continue;
    const kind = `${owner.unjudged.kind} (${owner.unjudged.apiVersion})`;
    const objects = byKind.get(kind);
    if (objects === void 0) byKind.set(kind, /* @__PURE__ */ new Set([owner.unjudged.object]));
    else objects.add(owner.unjudged.object);
  }
  const sorted = [...byKind].sort(([a], [b]) => a < b ? -1 : 1);
  const named2 = sorted.slice(0, MOST_KINDS_NAMED).map(([kind, objects]) => {
    const [first = ""] = [...objects].sort();
    const which = objects.size === 1 ? first : `${first} and ${objects.size - 1} more`;
    const hint = kind.startsWith("ReplicaSet ") ? " without a Deployment" : "";
    return `${kind}${hint} owns pods in scope, which this gate judges; its own roll-out is not judged: ${which}`;
  });
  const more2 = sorted.length - named2.length;
  return more2 === 0 ? named2 : [
    ...named2,
    `further kinds own pods in scope, which this gate judges; their roll-outs are not judged (${more2} kinds)`
  ];
}
__name(unjudgedKindWarnings, "unjudgedKindWarnings");
function unknownNamespaceWarnings(namespaces, objects) {
  const seen = new Set(objects.map(({ namespace }) => namespace));
  return namespaces.filter(({ namespace, presence }) => presence === "unknown" && !seen.has(namespace)).map(
    ({ namespace }) => `whether namespace ${namespace} exists is not known: it may not be read (get namespaces), and nothing was seen in it`
  );
}
__name(unknownNamespaceWarnings, "unknownNamespaceWarnings");

// src/health/stability.ts
function nextWindows(before2, subjects, look2) {
  const isFirst = before2.size === 0;
  return new Map(subjects.map((subject) => [subject.key, nextWindow(before2.get(subject.key), subject, look2, isFirst)]));
}
__name(nextWindows, "nextWindows");
function nextWindow(before2, subject, look2, isFirst) {
  const { template, pods, state } = subject;
  const window2 = /* @__PURE__ */ __name((sinceElapsedMs, because, begunAnew) => {
    return { sinceElapsedMs, because, begunAnew, passingSinceElapsedMs: null, template, pods };
  }, "window");
  if (before2 === void 0) {
    if (state !== "complete") return window2(null, NOT_COMPLETE, 0);
    return window2(look2.elapsedMs, isFirst ? "it was complete at the first look" : "it came into scope", 0);
  }
  if (before2.sinceElapsedMs === null) {
    if (state !== "complete") return window2(null, before2.because, before2.begunAnew);
    const because = before2.because === NOT_COMPLETE ? "it became complete" : before2.because;
    return window2(look2.elapsedMs, because, before2.begunAnew);
  }
  const disturbed = whatBegins(before2, subject, look2);
  const broken = /* @__PURE__ */ __name((because) => window2(null, because, before2.begunAnew + 1), "broken");
  if (state === "incomplete") return broken(disturbed ?? NOT_COMPLETE);
  if (disturbed !== null) {
    return state === "complete" ? window2(look2.elapsedMs, disturbed, before2.begunAnew + 1) : broken(disturbed);
  }
  if (state === "complete") return { ...before2, passingSinceElapsedMs: null, template, pods };
  const passingSinceElapsedMs = before2.passingSinceElapsedMs ?? look2.elapsedMs;
  if (look2.elapsedMs - passingSinceElapsedMs > look2.addedPodMs) return broken(NOT_COMPLETE);
  return { ...before2, passingSinceElapsedMs, template, pods };
}
__name(nextWindow, "nextWindow");
var NOT_COMPLETE = "it was not complete";
function whatBegins(before2, subject, look2) {
  if (before2.template !== subject.template) return "its pod template changed";
  const disturbed = look2.momentsCount || look2.afterGap ? disturbance(before2.pods, subject.pods) : null;
  if (disturbed !== null) return disturbed;
  return look2.afterGap && !hasSamePods(before2.pods, subject.pods) ? "its pods changed while the view was lost" : null;
}
__name(whatBegins, "whatBegins");
function disturbance(before2, now) {
  let known = null;
  let first = null;
  for (const [index, pod] of now.entries()) {
    if (before2[index] === pod) continue;
    known ??= new Map(before2.map((one) => [one.uid, one]));
    const earlier = known.get(pod.uid);
    if (earlier === void 0 || earlier === pod || !isReady(earlier)) continue;
    const what = changeOf(earlier, pod);
    const name = fullName(pod);
    if (what !== null && (first === null || name < first.name)) first = { name, what };
  }
  return first === null ? null : `pod ${first.name} ${first.what}`;
}
__name(disturbance, "disturbance");
function changeOf(earlier, pod) {
  if (restartsOf(pod) > restartsOf(earlier)) return "was restarted";
  if (!isReady(pod)) return "lost Ready";
  return readySince(pod) === readySince(earlier) ? null : "was not Ready for a moment";
}
__name(changeOf, "changeOf");
function hasSamePods(before2, now) {
  if (before2.length !== now.length) return false;
  const uids = new Set(before2.map(({ uid }) => uid));
  return now.every(({ uid }) => uids.has(uid));
}
__name(hasSamePods, "hasSamePods");
function restartsOf(pod) {
  let sum = 0;
  for (const container of pod.containers) sum += container.restartCount;
  return sum;
}
__name(restartsOf, "restartsOf");
function readySince(pod) {
  return conditionOf(pod.conditions, "Ready")?.lastTransitionAtMs ?? null;
}
__name(readySince, "readySince");
function completeForMs(window2, elapsedMs) {
  if (window2 === void 0 || window2.sinceElapsedMs === null || window2.passingSinceElapsedMs !== null) return 0;
  return elapsedMs - window2.sinceElapsedMs;
}
__name(completeForMs, "completeForMs");
function unstableOf(windows, subjects, elapsedMs, stableForMs) {
  const unstable = [];
  for (const { key, name } of subjects) {
    const window2 = windows.get(key);
    const forMs = completeForMs(window2, elapsedMs);
    if (forMs >= stableForMs) continue;
    const { because = "", begunAnew = 0 } = window2 ?? {};
    unstable.push({ name, completeForMs: forMs, because, begunAnew });
  }
  return unstable.sort((a, b) => a.completeForMs - b.completeForMs || (a.name < b.name ? -1 : 1));
}
__name(unstableOf, "unstableOf");

// src/health/trouble-memory.ts
function rememberTrouble(before2, sinceMs, look2) {
  const { now, timing, fresh } = look2;
  if (before2 === void 0) {
    const began = Math.min(sinceMs ?? now.atMs, now.atMs);
    return {
      sinceElapsedMs: now.elapsedMs,
      observations: fresh ? 1 : 0,
      lastObservationElapsedMs: now.elapsedMs,
      sinceMs: began,
      stuckAtFirst: look2.isFirst && look2.stuckAfterMs > 0 && now.atMs - began >= look2.stuckAfterMs
    };
  }
  const since = { ...before2, sinceMs: Math.min(before2.sinceMs, sinceMs ?? before2.sinceMs) };
  const isAnother = fresh && now.elapsedMs - before2.lastObservationElapsedMs >= timing.observationGapMs;
  if (!isAnother && before2.observations > 0) return since;
  if (!fresh) return since;
  return { ...since, observations: before2.observations + 1, lastObservationElapsedMs: now.elapsedMs };
}
__name(rememberTrouble, "rememberTrouble");
var OBSERVATIONS_FOR_FATAL = 2;
function certaintyOf(cause, memory, now, timing) {
  const patience = memory.stuckAtFirst ? 0 : patienceMs(cause, timing);
  if (patience === null) return { fatal: false, fatalAtMs: null };
  const atElapsedMs = memory.sinceElapsedMs + patience;
  return {
    fatal: memory.observations >= OBSERVATIONS_FOR_FATAL && now.elapsedMs >= atElapsedMs,
    fatalAtMs: now.atMs + (atElapsedMs - now.elapsedMs)
  };
}
__name(certaintyOf, "certaintyOf");

// src/health/trouble-findings.ts
function findTroubles(workloads2, failedJobs, scope2, podFindings, look2) {
  const roots = new Map(podFindings.map((finding) => [`${finding.namespace}/${finding.pod}`, finding]));
  const byWorkload = /* @__PURE__ */ new Map();
  const memory = /* @__PURE__ */ new Map();
  const find = /* @__PURE__ */ __name((subject, trouble) => {
    const draft = draftOf(subject, trouble, look2.now);
    const key = `${subject.uid} ${keyOf2(draft)}`;
    const fresh = isFresh(look2.coverage, resourceOf(draft), subject.namespace);
    const remembered = rememberTrouble(look2.before.get(key), oldestOf2(trouble.sinceMs, subject.podsSinceMs), {
      ...look2,
      fresh
    });
    memory.set(key, remembered);
    const finding = {
      ...draft,
      sinceMs: remembered.sinceMs,
      ...certaintyOf(trouble.cause, remembered, look2.now, look2.timing)
    };
    const root = trouble.waitsFor === null ? void 0 : roots.get(trouble.waitsFor);
    if (root !== void 0) return derive(finding, root);
    return { ...finding, derivedFrom: trouble.waitsFor };
  }, "find");
  const present2 = /* @__PURE__ */ new Set();
  for (const { workload, rollOut, pods } of workloads2) {
    present2.add(workload.uid);
    if (rollOut.troubles.length === 0) continue;
    const subject = {
      uid: workload.uid,
      namespace: workload.namespace,
      owner: knownAs(workload),
      podsSinceMs: oldestOf2(...pods.map(({ finding }) => finding?.holdsBack === true ? finding.sinceMs : null))
    };
    byWorkload.set(
      workload.uid,
      rollOut.troubles.map((trouble) => find(subject, trouble))
    );
  }
  const loose = [];
  for (const job of failedJobs.byUid.values()) {
    if (present2.has(job.uid) || failedJobs.madeGood.has(job.uid)) continue;
    const subject = { uid: job.uid, namespace: job.namespace, owner: knownAs(job), podsSinceMs: null };
    loose.push(find(subject, failureOf(job, [])));
  }
  const failed4 = [...byWorkload.values(), loose].flat().filter(({ cause }) => cause === "Failed");
  const refused2 = [...byWorkload.values()].flat().find(({ cause }) => cause === "CreateRefused");
  for (const { namespace, message, isMissing, lacks } of scope2) {
    if (!isMissing && failed4.length >= lacks) continue;
    const subject = { uid: "", namespace, owner: null, podsSinceMs: null };
    const tooFew = find(subject, { stage: "workload", cause: "TooFewPods", message, sinceMs: null, waitsFor: null });
    loose.push(refused2 === void 0 || isMissing ? tooFew : derive(tooFew, refused2));
  }
  byWorkload.set("", loose);
  return { byWorkload, memory };
}
__name(findTroubles, "findTroubles");
function draftOf({ namespace, owner }, { stage, cause, message }, now) {
  const nothingKnown = { sinceMs: now.atMs, fatal: false, fatalAtMs: null, derivedFrom: null };
  return {
    namespace,
    pod: null,
    uid: null,
    node: null,
    owner,
    stage,
    cause,
    message,
    holdsBack: true,
    ...nothingKnown
  };
}
__name(draftOf, "draftOf");
function oldestOf2(...times) {
  let oldest = null;
  for (const time of times) if (time !== null && (oldest === null || time < oldest)) oldest = time;
  return oldest;
}
__name(oldestOf2, "oldestOf");

// src/health/warnings.ts
var EVENTS_DUE_MS = 6e4;
var MOST_NAMES3 = 3;
function sightWarnings(snapshot, findings3, nowMs) {
  return snapshot.events.length === 0 && isEventsDue(snapshot.coverage, findings3, nowMs) ? ["there are no events at all while pods are stuck: events may be disabled or expired"] : [];
}
__name(sightWarnings, "sightWarnings");
function isEventsDue(coverage, findings3, nowMs) {
  if (coverage.gaps.some(({ resource }) => resource === "events")) return false;
  return findings3.some(
    ({ stage, sinceMs, holdsBack }) => holdsBack && (stage === "sandbox" || stage === "terminating") && nowMs - sinceMs >= EVENTS_DUE_MS
  );
}
__name(isEventsDue, "isEventsDue");
function excusedNotes(pods, nodes) {
  if (nodes.guessed) return [];
  const excused2 = pods.filter((pod) => pod.controller?.kind === "DaemonSet" && !nodes.counts(pod));
  if (excused2.length === 0) return [];
  const names = someOf2([...new Set(excused2.map(({ nodeName }) => nodeName ?? ""))]);
  const are = excused2.length === 1 ? "is" : "are";
  return [
    `DaemonSets are not measured on nodes that are younger than 5m, not Ready or being deleted (${names}): ${excused2.length} of their pods ${are} in the total only`
  ];
}
__name(excusedNotes, "excusedNotes");
function guessWarnings(pods, nodes) {
  if (!nodes.guessed) return [];
  const excused2 = pods.filter((pod) => {
    return pod.controller?.kind === "DaemonSet" && !isTerminating(pod) && !isReady(pod) && !nodes.counts(pod);
  });
  if (excused2.length === 0) return [];
  const names = someOf2(excused2.map((pod) => `${pod.namespace}/${pod.name}`));
  return [
    `nodes may not be read, so it is guessed that these pods of DaemonSets are on nodes that do not count (too young, or lost): ${names}`
  ];
}
__name(guessWarnings, "guessWarnings");
function clocksAhead(before2, changed, nowMs) {
  let after = null;
  for (const pod of changed) {
    const aheadMs = pod.nodeName === null ? 0 : nodeClockAheadMs(pod, nowMs);
    if (pod.nodeName === null || aheadMs <= (before2.get(pod.nodeName) ?? 0)) continue;
    after ??= new Map(before2);
    after.set(pod.nodeName, Math.max(aheadMs, after.get(pod.nodeName) ?? 0));
  }
  return after ?? before2;
}
__name(clocksAhead, "clocksAhead");
function clockWarnings(ahead) {
  return [...ahead].sort(([a], [b]) => a < b ? -1 : 1).map(([node, aheadMs]) => {
    return `the clock of node ${node} is ahead of the API server's (by ${formatSeconds(aheadMs)} or more): times from there count as now, and tokens may be refused`;
  });
}
__name(clockWarnings, "clockWarnings");
function someOf2(names) {
  const first = names.toSorted().slice(0, MOST_NAMES3).join(", ");
  return names.length > MOST_NAMES3 ? `${first} and ${names.length - MOST_NAMES3} more` : first;
}
__name(someOf2, "someOf");

// src/health/assess.ts
function lookAtHealth(before2, observation) {
  const { snapshot, now, timing, settings } = observation;
  const { coverage } = snapshot;
  const finder = findWorkloads(
    snapshot.workloads,
    (resource, namespace) => isFresh(coverage, resource, namespace)
  );
  const nodes = eligibleNodes(snapshot.nodes, snapshot.pods, now.atMs, timing);
  const events = indexEvents(snapshot.events);
  const judged2 = judgePods(observation, before2.pods, finder, nodes, events);
  const owning = new Set(judged2.pods.flatMap(({ owner }) => owner?.workload?.uid ?? []));
  const scope2 = workloadsInScope(snapshot.workloads, settings, owning);
  const jobs = scope2.filter((workload) => workload.kind === "Job");
  const failedJobs = rememberFailedJobs(before2.failedJobs, jobs);
  const workloads2 = judgeWorkloads({
    observation,
    workloads: scope2,
    pods: judged2.pods,
    podMemory: judged2.memory,
    before: before2,
    failedJobs,
    nodes,
    events
  });
  const pods = finalStates(judged2.pods, workloads2);
  const podFindings = pods.flatMap(
    ({ class: podClass, finding }) => finding === null || podClass === "starting" ? [] : finding
  );
  const podsForMin = countForMinPods(pods, ({ pod }) => pod.controller?.kind === "Job");
  const isScopeSeen = isFresh(coverage, "pods", "");
  const scopeTrouble = isScopeSeen ? scopeTroubles(snapshot.namespaces, podsForMin, settings) : [];
  const troubles = findTroubles(workloads2, failedJobs, scopeTrouble, podFindings, {
    now,
    timing,
    stuckAfterMs: settings.stuckAfterMs,
    coverage,
    isFirst: before2.looks === 0,
    before: before2.troubles
  });
  const allFindings = [...podFindings, ...[...troubles.byWorkload.values()].flat()];
  const findings3 = [...freezeUnseen(allFindings, before2.evidence, coverage)].sort(compareFindings);
  const verdicts = workloads2.map((one) => ({
    ...one,
    ...completenessOf(one, troubles.byWorkload.get(one.workload.uid) ?? [])
  }));
  const isAllRead = neededGaps(coverage).every(({ why }) => why === "stale");
  const own = [...verdicts.flatMap((one) => subjectOfWorkload(one, nodes)), ...subjectsOfBarePods(judged2.pods)];
  const subjects = (own.length > 0 ? own : subjectOfJobs(jobs, findings3)).map(
    (subject) => isAllRead ? subject : { ...subject, state: "incomplete" }
  );
  const windows = nextWindows(before2.windows, subjects, {
    elapsedMs: now.elapsedMs,
    afterGap: before2.looks > 0 && coverage.reconnections !== before2.reconnections,
    momentsCount: settings.stuckAfterMs === 0,
    addedPodMs: timing.addedPodMs
  });
  const states = verdicts.map(({ workload, rollOut, pods: ofIt, isComplete, problem }) => {
    const { kind, namespace, name } = workload;
    const { desired, ready } = rollOut;
    const forMs = completeForMs(windows.get(workload.uid), now.elapsedMs);
    return {
      kind,
      namespace,
      name,
      desired,
      ready,
      problem,
      complete: isComplete,
      completeForMs: isComplete ? forMs : 0,
      ...isComplete ? {} : oldPodsLeft(workload, ofIt)
    };
  });
  const changed = snapshot.pods.filter((pod) => !before2.seen.has(pod));
  const ahead = clocksAhead(before2.clocksAhead, changed, now.atMs);
  const assessment = {
    counts: countPods(pods),
    findings: findings3,
    notReadyPods: notReadyPods(pods, findings3),
    workloads: states,
    complete: isAllRead && states.every(({ complete }) => complete) && findings3.every(({ holdsBack }) => !holdsBack),
    unstable: unstableOf(windows, subjects, now.elapsedMs, settings.stableForMs),
    warnings: [
      ...sightWarnings(snapshot, findings3, now.atMs),
      ...unknownNamespaceWarnings(snapshot.namespaces, [...snapshot.pods, ...snapshot.workloads]),
      ...unjudgedKindWarnings(judged2.pods),
      ...workloads2.flatMap(({ rollOut }) => rollOut.warnings),
      ...guessWarnings(snapshot.pods, nodes),
      ...clockWarnings(ahead)
    ],
    notes: [...workloads2.flatMap(({ rollOut }) => rollOut.notes), ...excusedNotes(snapshot.pods, nodes)]
  };
  const memory = {
    looks: before2.looks + 1,
    seen: new Set(snapshot.pods),
    pods: judged2.memory,
    workloads: rememberWorkloads(before2, verdicts, observation, isAllRead),
    troubles: isScopeSeen ? troubles.memory : new Map([...before2.troubles, ...troubles.memory]),
    windows,
    failedJobs,
    evidence: nextEvidence(before2.evidence, findings3, coverage, now.atMs),
    reconnections: coverage.reconnections,
    clocksAhead: ahead
  };
  return { memory, assessment };
}
__name(lookAtHealth, "lookAtHealth");
function finalStates(pods, workloads2) {
  const byUid = /* @__PURE__ */ new Map();
  for (const workload of workloads2) {
    for (const state of workload.pods) if (state.finding !== null) byUid.set(state.pod.uid, state);
  }
  return pods.map(({ state }) => state.finding === null ? state : byUid.get(state.pod.uid) ?? state);
}
__name(finalStates, "finalStates");
function completenessOf({ rollOut, pods }, own) {
  const findings3 = [...own];
  for (const { finding } of pods) if (finding?.holdsBack === true) findings3.push(finding);
  const isComplete = rollOut.carriedOut && findings3.length === 0;
  const isPassing = !isComplete && rollOut.passing && findings3.length === own.length;
  const [worst] = findings3.sort(compareFindings);
  return { isComplete, isPassing, problem: isComplete ? null : worst?.cause ?? "NotRolledOut" };
}
__name(completenessOf, "completenessOf");
function subjectOfWorkload(judged2, nodes) {
  const { workload, pods, isComplete, isPassing } = judged2;
  if (workload.kind === "Job") return [];
  const incomplete = isPassing ? "passing" : "incomplete";
  return [
    {
      key: workload.uid,
      name: fullName(workload),
      state: isComplete ? "complete" : incomplete,
      template: templateOf(workload),
      pods: pods.map(({ pod }) => pod).filter((pod) => isActive(pod) && (workload.kind !== "DaemonSet" || nodes.counts(pod)))
    }
  ];
}
__name(subjectOfWorkload, "subjectOfWorkload");
function subjectOfJobs(jobs, findings3) {
  if (jobs.length === 0) return [];
  const state = findings3.some(({ holdsBack }) => holdsBack) ? "incomplete" : "complete";
  return [{ key: "", name: "the Jobs in scope", state, template: "", pods: [] }];
}
__name(subjectOfJobs, "subjectOfJobs");
function subjectsOfBarePods(pods) {
  const subjects = [];
  for (const { state, owner } of pods) {
    if (owner !== null && owner.workload !== null) continue;
    if (state.class !== "ready" && state.class !== "notReady") continue;
    const { pod } = state;
    subjects.push({
      key: pod.uid,
      name: fullName(pod),
      state: state.class === "ready" ? "complete" : "incomplete",
      template: "",
      pods: [pod]
    });
  }
  return subjects;
}
__name(subjectsOfBarePods, "subjectsOfBarePods");
function countPods(pods) {
  const counts = {
    ready: 0,
    notReady: 0,
    completed: 0,
    starting: 0,
    terminating: 0,
    superseded: 0
  };
  for (const state of pods) counts[state.class] += 1;
  return { total: pods.length, ...counts };
}
__name(countPods, "countPods");
function notReadyPods(pods, findings3) {
  const uids = new Set(pods.filter((state) => state.class === "notReady").map(({ pod }) => pod.uid));
  return findings3.flatMap(({ uid, namespace, pod }) => {
    return uid === null || pod === null || !uids.has(uid) ? [] : [`${namespace}/${pod}`];
  });
}
__name(notReadyPods, "notReadyPods");
function rememberWorkloads(before2, judged2, { now }, isAllRead) {
  const workloads2 = /* @__PURE__ */ new Map();
  for (const { workload, isComplete } of judged2) {
    const template = workload.kind === "Job" || isObserved2(workload) ? templateOf(workload) : null;
    const remembered = rememberWorkload(before2.workloads.get(workload.uid), template, isAllRead && isComplete, now);
    if (remembered !== void 0) workloads2.set(workload.uid, remembered);
  }
  return workloads2;
}
__name(rememberWorkloads, "rememberWorkloads");

// src/view-news.ts
var TOGETHER_MS = 1e3;
var NOTHING_TOLD = { gaps: null, untold: [], sinceElapsedMs: null, podsRegainedElapsedMs: null };
function viewNews(before2, { gaps, podsRegainedElapsedMs }, { elapsedMs }, catchUpLeftMs2) {
  const known = [...before2.gaps ?? [], ...before2.untold];
  const hadGap = new Set(known.map(placeOf2));
  const hasGap = new Set(gaps.map(placeOf2));
  const isNew = /* @__PURE__ */ __name((gap) => !hadGap.has(placeOf2(gap)) && (before2.gaps !== null || gap.why !== "forbidden"), "isNew");
  const untold = [...before2.untold, ...gaps.filter(isNew)];
  const regained = known.filter((gap) => !hasGap.has(placeOf2(gap)));
  const wasBlink = podsRegainedElapsedMs !== before2.podsRegainedElapsedMs && !known.some(({ resource }) => resource === "pods");
  const blink = wasBlink && catchUpLeftMs2 > 0 ? [{ type: "outage-over", catchUpMs: catchUpLeftMs2 }] : [];
  const isNews = untold.length > 0 || regained.length > 0;
  const sinceElapsedMs = isNews ? before2.sinceElapsedMs ?? elapsedMs : null;
  const mayMoreFollow = before2.gaps !== null && gaps.length > 0;
  if (sinceElapsedMs !== null && mayMoreFollow && elapsedMs - sinceElapsedMs < TOGETHER_MS) {
    return { told: { gaps: before2.gaps, untold, sinceElapsedMs, podsRegainedElapsedMs }, news: blink };
  }
  const news = [...blink];
  for (const wasSeen of [true, false]) {
    const places = inOrder(untold.filter(({ why }) => why !== "never-read" === wasSeen));
    const [first] = places;
    if (first !== void 0) news.push({ type: "view-lost", what: placesOf(places), why: first.message, wasSeen });
  }
  for (const wasSeen of [true, false]) {
    const places = inOrder(regained.filter(({ why }) => why === "stale" === wasSeen));
    if (places.length === 0) continue;
    const hasPods = places.some(({ resource }) => resource === "pods");
    news.push({ type: "view-regained", what: placesOf(places), wasSeen, catchUpMs: hasPods ? catchUpLeftMs2 : 0 });
  }
  return { told: { gaps, untold: [], sinceElapsedMs: null, podsRegainedElapsedMs }, news };
}
__name(viewNews, "viewNews");
function describeGaps(gaps) {
  const alike = Map.groupBy(inOrder(gaps), ({ why, resource, message }) => {
    return why === "forbidden" ? `${why} ${resource}` : `${why}${message.slice(message.indexOf(": "))}`;
  });
  return [...alike.values()].map(describeAlike);
}
__name(describeGaps, "describeGaps");
var COSTS = {
  events: "Calico's failure cannot be recognised there and nothing is restarted",
  nodes: "causes that lie in a node, and which nodes count for a DaemonSet, are not known"
};
function describeAlike(gaps) {
  const { why, resource, message } = gaps[0];
  const what = placesOf(gaps);
  switch (why) {
    case "forbidden": {
      const others = gaps.length === 1 ? "" : "; the same in the others";
      const costs = COSTS[resource];
      if (costs === void 0) return `may not see ${what}: ${message}${others}`;
      return `${what} may not be read: ${costs}; ${message}${others}`;
    }
    case "refused":
      return `could not read ${what}: ${message}`;
    case "never-read":
      return `never saw ${what}: ${message}`;
    case "stale": {
      const sinceMs = Math.min(...gaps.map((gap) => gap.sinceMs));
      return `lost sight of ${what} at ${new Date(sinceMs).toISOString()}: ${message}`;
    }
  }
}
__name(describeAlike, "describeAlike");

// src/look.ts
var EMPTY_MEMORY = {
  health: EMPTY_HEALTH_MEMORY,
  calico: EMPTY_CALICO_MEMORY,
  restarts: [],
  toldView: NOTHING_TOLD
};
function lookAt(snapshot, before2, circumstances) {
  const { settings, timing, now } = circumstances;
  const sandboxErrors = readSandboxErrors(snapshot, now, timing);
  const leftMs = catchUpLeftMs(snapshot.coverage, now, timing);
  const observation = { snapshot, sandboxErrors, catchUpLeftMs: leftMs, now, settings, timing };
  const withComebacks = { ...observation, sandboxErrors: markComebacks(sandboxErrors, before2.restarts) };
  const health = lookAtHealth(before2.health, withComebacks);
  const installations = findInstallations(snapshot.calico.daemonSets, settings.calicoNamespace);
  const memory = rememberCalico(before2.calico, observation);
  const cases = diagnose(observation, memory);
  const restarts = before2.restarts.map((restart2) => judgeCure(restart2, observation, memory));
  const eventsForbidden = snapshot.coverage.gaps.some(
    ({ resource, why }) => resource === "events" && why === "forbidden"
  );
  const { context } = settings;
  const view = viewNews(before2.toldView, snapshot.coverage, now, leftMs);
  const plan = planRestarts({
    ...{ observation, memory, cases, installations, restarts, eventsForbidden, context },
    ...circumstances
  });
  return {
    observation,
    installations,
    assessment: health.assessment,
    cases,
    plan,
    cureInProgress: settings.restartCalicoNode && isCuring(plan, restarts, cases, observation),
    viewNews: view.news,
    memory: { health: health.memory, calico: memory, restarts, toldView: view.told }
  };
}
__name(lookAt, "lookAt");
function isCuring(plan, restarts, cases, { now, timing }) {
  if (plan.next !== null || plan.nodes.some(({ action }) => action === "waiting")) return true;
  const stuckOn = new Set(cases.map(({ node }) => node));
  return restarts.some(
    (restart2) => isPending(restart2) || stuckOn.has(restart2.node) && mayFollow(restart2, now, timing)
  );
}
__name(isCuring, "isCuring");

// src/report/untrusted.ts
var FIELD_LIMIT_BYTES = 4096;
var CUT_MARK2 = "…";
var ESCAPES = new RegExp(
  [
    String.raw`(?:\u001B\[|\u009B)[0-?]*[ -/]*[@-~]`,
    String.raw`(?:\u001B\]|\u009D)[^\u0007\u001B\u009C]*(?:\u0007|\u001B\\|\u009C)?`,
    String.raw`\u001B[ -/]*[0-~]`
  ].join("|"),
  "gu"
);
var LINE_BREAKS = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/gu;
var INVISIBLE = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Co}\u2800]/gu;
function clean(text3) {
  return text3.toWellFormed().replaceAll(ESCAPES, "").replaceAll(LINE_BREAKS, " ").replaceAll("	", " ").replaceAll(INVISIBLE, "");
}
__name(clean, "clean");
function cap(text3, limitBytes = FIELD_LIMIT_BYTES) {
  if (text3.length * 3 <= limitBytes || Buffer.byteLength(text3) <= limitBytes) return text3;
  const room = limitBytes - Buffer.byteLength(CUT_MARK2);
  const bytes = Buffer.from(text3.slice(0, limitBytes));
  let end2 = Math.min(room, bytes.length);
  while (end2 > 0 && ((bytes[end2] ?? 0) & 192) === 128) end2 -= 1;
  return bytes.subarray(0, end2).toString("utf8") + CUT_MARK2;
}
__name(cap, "cap");
function field(text3, limitBytes = FIELD_LIMIT_BYTES) {
  const roughly = limitBytes * 4;
  return cap(clean(text3.length > roughly ? text3.slice(0, roughly) + CUT_MARK2 : text3), limitBytes);
}
__name(field, "field");
function logLine(text3) {
  const line = field(text3).trimEnd().replaceAll("##[", "##[\\");
  return line.trimStart().startsWith("::") ? `| ${line.trimStart()}` : line;
}
__name(logLine, "logLine");
function printable(text3) {
  return cap(logLine(text3));
}
__name(printable, "printable");
function markdown(text3, limitBytes = FIELD_LIMIT_BYTES) {
  const shown = field(text3, limitBytes);
  return shown === "" ? "" : `<code>${entities(shown)}</code>`;
}
__name(markdown, "markdown");
function prose(text3, limitBytes = FIELD_LIMIT_BYTES) {
  return entities(field(text3, limitBytes)).replaceAll("&#64;", "&#64;<wbr>").replaceAll("&#35;", "&#35;<wbr>");
}
__name(prose, "prose");
function codeBlock(lines, limitBytes = FIELD_LIMIT_BYTES) {
  const shown = lines.map((line) => field(line, limitBytes));
  const longest = Math.max(0, ...shown.flatMap((line) => [...line.matchAll(/`+/gu)].map(([run3]) => run3.length)));
  const fence = "`".repeat(Math.max(3, longest + 1));
  return [fence, ...shown, fence];
}
__name(codeBlock, "codeBlock");
function entities(text3) {
  return text3.replaceAll(/[!-/:-@[-`{-~]/gu, (char) => HARMLESS.has(char) ? char : `&#${char.codePointAt(0)};`);
}
__name(entities, "entities");
var HARMLESS = /* @__PURE__ */ new Set([" ", ",", ";", '"', "'", "%", "=", "?"]);
function printableJson(value, indent) {
  return JSON.stringify(value, null, indent).replaceAll(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, escaped2).replaceAll("##[", "##\\u005b");
}
__name(printableJson, "printableJson");
function escaped2(character) {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}
__name(escaped2, "escaped");

// src/report/json.ts
var TIMELINE_LIMIT = 2e3;
var WARNINGS_LIMIT = 200;
var NO_PODS2 = {
  total: 0,
  ready: 0,
  notReady: 0,
  completed: 0,
  starting: 0,
  terminating: 0,
  superseded: 0
};
function buildReport(account) {
  const { assessment } = account;
  return {
    schemaVersion: 1,
    verdict: account.verdict,
    reason: printable(account.reason),
    startedAt: rfc33392(account.startedAtMs),
    finishedAt: rfc33392(account.finishedAtMs),
    cluster: { server: field(account.server), kubernetesVersion: field(account.kubernetesVersion) },
    scope: {
      namespaces: account.settings.namespaces.map((name) => field(name)),
      excludeNamespaces: account.settings.excludeNamespaces.map((name) => field(name)),
      selector: field(account.settings.selectorText)
    },
    pods: assessment?.counts ?? NO_PODS2,
    findings: (assessment?.findings ?? []).map(reportedFinding),
    workloads: (assessment?.workloads ?? []).map((workload) => ({
      kind: workload.kind,
      namespace: field(workload.namespace),
      name: field(workload.name),
      desired: wholeNumber(workload.desired),
      ready: wholeNumber(workload.ready),
      problem: workload.problem
    })),
    calico: {
      detected: account.calico.detected,
      installations: account.calico.installations.map((one) => ({
        namespace: field(one.namespace),
        daemonSet: field(one.daemonSet)
      })),
      nodes: account.calico.nodes.map(cleanNode)
    },
    timeline: bounded(account.timeline, TIMELINE_LIMIT).map((entry) => ({
      at: rfc33392(entry.atMs),
      what: field(entry.what)
    })),
    api: account.api,
    warnings: bounded([...new Set(account.warnings.map((warning2) => field(warning2)))], WARNINGS_LIMIT)
  };
}
__name(buildReport, "buildReport");
function wholeNumber(count) {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.trunc(count)));
}
__name(wholeNumber, "wholeNumber");
function reportText(report) {
  return `${printableJson(report, 2)}
`;
}
__name(reportText, "reportText");
function rfc33392(atMs) {
  const date = new Date(Number.isFinite(atMs) ? atMs : 0);
  return Number.isNaN(date.getTime()) ? (/* @__PURE__ */ new Date(0)).toISOString() : date.toISOString();
}
__name(rfc33392, "rfc3339");
function reportedFinding(finding) {
  return {
    namespace: field(finding.namespace),
    pod: finding.pod === null ? null : field(finding.pod),
    uid: finding.uid === null ? null : field(finding.uid),
    node: finding.node === null ? null : field(finding.node),
    owner: finding.owner === null ? null : { kind: field(finding.owner.kind), name: field(finding.owner.name) },
    stage: finding.stage,
    cause: finding.cause,
    message: field(finding.message),
    since: rfc33392(finding.sinceMs),
    fatal: finding.fatal,
    derivedFrom: finding.derivedFrom === null ? null : field(finding.derivedFrom)
  };
}
__name(reportedFinding, "reportedFinding");
function cleanNode(node) {
  return {
    ...node,
    node: field(node.node),
    pods: node.pods.map((pod) => field(pod)),
    evidence: node.evidence.map((evidence2) => ({
      ...evidence2,
      pod: field(evidence2.pod),
      reason: field(evidence2.reason),
      count: wholeNumber(evidence2.count),
      message: field(evidence2.message)
    })),
    why: field(node.why),
    command: node.command === null ? null : field(node.command),
    before: node.before === null ? null : { ...node.before, calicoNodePod: field(node.before.calicoNodePod) },
    after: node.after === null ? null : { ...node.after, calicoNodePod: field(node.after.calicoNodePod) }
  };
}
__name(cleanNode, "cleanNode");
function bounded(list, limit) {
  if (list.length <= limit) return list;
  const half = Math.floor(limit / 2);
  return [...list.slice(0, half), ...list.slice(list.length - half)];
}
__name(bounded, "bounded");

// src/cluster/access.ts
var READ = ["list", "watch"];
var REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
var LANES = 4;
function needsOf(settings) {
  const { namespaces } = settings;
  const inScope2 = /* @__PURE__ */ __name((group, resource, verbs, costs) => {
    const everywhere = { group, resource, verbs, namespace: null, costs };
    const inEach = namespaces.map((namespace) => ({ ...everywhere, namespace }));
    if (inEach.length === 0) return [everywhere];
    return inEach.length < MANY_NAMESPACES ? inEach : [{ ...everywhere, inEach }];
  }, "inScope");
  const blind = "the verdict can be inconclusive or unhealthy, never healthy";
  return [
    ...inScope2("", "pods", READ, blind),
    ...inScope2("apps", "deployments", READ, blind),
    ...inScope2("apps", "statefulsets", READ, blind),
    ...inScope2("apps", "daemonsets", READ, blind),
    ...inScope2("batch", "jobs", READ, blind),
    ...inScope2("", "events", READ, "Calico's failure is not diagnosed and nothing is restarted"),
    { group: "", resource: "nodes", verbs: READ, namespace: null, costs: "what is wrong with a node is not known" },
    ...findingCalico(settings),
    ...inScope2("", "pods/log", ["get"], "crashes are reported without their last log lines"),
    ...namespaces.length === 0 ? [] : inScope2("", "namespaces", ["get"], NAMESPACES_COST)
  ];
}
__name(needsOf, "needsOf");
var NAMESPACES_COST = "a namespace that does not exist cannot be told from an empty one";
function findingCalico({ namespaces, calicoNamespace }) {
  if (namespaces.length === 0) return [];
  const namespace = calicoNamespace;
  const costs = namespace === null ? "Calico is looked for in the usual namespaces only; `calico-namespace` names another" : "Calico is not found there";
  return [{ group: "apps", resource: "daemonsets", verbs: READ, namespace, costs }];
}
__name(findingCalico, "findingCalico");
function calicoNeedsOf({ restartCalicoNode: restartCalicoNode2 }, namespaces) {
  return namespaces.flatMap((namespace) => {
    const read = {
      group: "",
      resource: "pods",
      verbs: READ,
      namespace,
      costs: "the calico-node pods are not seen, and nothing is restarted"
    };
    const restart2 = { ...read, verbs: ["delete", "get"], costs: "calico-node is not restarted" };
    return restartCalicoNode2 ? [read, restart2] : [read];
  });
}
__name(calicoNeedsOf, "calicoNeedsOf");
async function checkAccess(api, needs, signal) {
  const queue = [...needs];
  const results = [];
  let refusal2 = null;
  const review = /* @__PURE__ */ __name(async (need) => {
    try {
      const missingVerbs = [];
      for (const verb of need.verbs) {
        if (refusal2 !== null) return { why: refusal2 };
        if (!await isAllowed(api, need, verb, signal)) missingVerbs.push(verb);
      }
      return { missingVerbs };
    } catch (error2) {
      if (!isApiError(error2)) throw error2;
      if (error2.kind === "forbidden" || error2.kind === "not-found") refusal2 = error2.message;
      return { why: error2.message };
    }
  }, "review");
  let next = 0;
  const lane = /* @__PURE__ */ __name(async () => {
    for (let index = next++; index < queue.length; index = next++) {
      const need = queue[index];
      const result = await review(need);
      if (need.inEach !== void 0 && "missingVerbs" in result && result.missingVerbs.length > 0) {
        queue.push(...need.inEach);
      } else results[index] = result;
    }
  }, "lane");
  await Promise.all(Array.from({ length: LANES }, lane));
  const reviewed = [];
  const unknown2 = [];
  queue.forEach((need, index) => {
    const result = results[index];
    if (result === void 0) return;
    if ("why" in result) unknown2.push({ need, why: result.why });
    else reviewed.push({ need, missingVerbs: result.missingVerbs });
  });
  return { reviewed, missing: rulesFor(reviewed), unknown: unknown2 };
}
__name(checkAccess, "checkAccess");
function missingRights(unknown2, gaps) {
  const refused2 = unknown2.flatMap(({ need }) => [need, ...need.inEach ?? []]).filter(
    ({ resource, namespace }) => gaps.some((gap) => gap.why === "forbidden" && gap.resource === resource && gap.namespace === namespace)
  );
  return rulesFor(refused2.map((need) => ({ need, missingVerbs: need.verbs })));
}
__name(missingRights, "missingRights");
function deleteRightsOf({ reviewed }) {
  const rights = /* @__PURE__ */ new Map();
  for (const { need, missingVerbs } of reviewed) {
    if (need.resource !== "pods" || need.namespace === null || !need.verbs.includes("delete")) continue;
    rights.set(need.namespace, !missingVerbs.includes("delete"));
  }
  return rights;
}
__name(deleteRightsOf, "deleteRightsOf");
async function isAllowed(api, need, verb, signal) {
  const [resource, subresource] = need.resource.split("/");
  const resourceAttributes = {
    ...need.namespace === null ? {} : { namespace: need.namespace },
    verb,
    group: need.group,
    resource,
    ...subresource === void 0 ? {} : { subresource }
  };
  const body = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes }
  };
  const answer = await api.post(REVIEWS, body, signal === void 0 ? {} : { signal });
  const status = isRecord(answer) ? answer.status : null;
  return isRecord(status) && status.allowed === true;
}
__name(isAllowed, "isAllowed");
function rulesFor(reviewed) {
  const groups = /* @__PURE__ */ new Map();
  for (const { need, missingVerbs } of reviewed) {
    if (missingVerbs.length === 0) continue;
    const costs = costsOf(need, missingVerbs);
    const key = JSON.stringify([need.group, need.namespace, missingVerbs, costs]);
    const group = groups.get(key) ?? { need, verbs: missingVerbs, resources: [], costs };
    if (!group.resources.includes(need.resource)) group.resources.push(need.resource);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ need, verbs, resources, costs }) => ({
    rule: ruleFor({ group: need.group, resources, namespace: need.namespace, verbs }),
    costs
  }));
}
__name(rulesFor, "rulesFor");
function costsOf(need, missingVerbs) {
  const missing = missingVerbs.join();
  if (missing === "watch") return "it is listed every few seconds instead of watched";
  const isForDelete = need.verbs.includes("delete") && missing === "get";
  return isForDelete ? "a DELETE whose answer gets lost cannot be told from one that was not carried out" : need.costs;
}
__name(costsOf, "costsOf");

// src/rights.ts
function reviewRights(run3, api) {
  const toDelete = /* @__PURE__ */ new Map();
  const told = /* @__PURE__ */ new Set();
  const unknown2 = [];
  let calicoNamespaces = "";
  let open2 = 0;
  let reviews = Promise.resolve();
  const tell = /* @__PURE__ */ __name((missing) => {
    for (const { rule, costs } of missing) {
      if (told.has(rule)) continue;
      told.add(rule);
      run3.tell({ type: "missing-right", rule, costs }, api.now());
    }
  }, "tell");
  const review = /* @__PURE__ */ __name((needs) => {
    open2 += 1;
    const done = checkAccess(api, needs, run3.signal).then((report) => {
      if (run3.signal.aborted) return;
      for (const [namespace, isAllowed2] of deleteRightsOf(report)) toDelete.set(namespace, isAllowed2);
      unknown2.push(...report.unknown);
      tell(report.missing);
    });
    const closed = done.finally(() => {
      open2 -= 1;
    });
    reviews = Promise.all([reviews, closed]).then(() => void 0);
  }, "review");
  review(needsOf(run3.settings));
  return {
    toDelete: /* @__PURE__ */ __name(() => toDelete, "toDelete"),
    reviewCalico: /* @__PURE__ */ __name((namespaces) => {
      const key = namespaces.join(" ");
      if (namespaces.length === 0 || key === calicoNamespaces) return;
      calicoNamespaces = key;
      review(calicoNeedsOf(run3.settings, namespaces));
    }, "reviewCalico"),
    refused: /* @__PURE__ */ __name((gaps) => tell(missingRights(unknown2, gaps)), "refused"),
    pending: /* @__PURE__ */ __name(() => open2 > 0 ? reviews : null, "pending"),
    settle: /* @__PURE__ */ __name(async () => {
      if (open2 > 0) await Promise.race([reviews, sleep(run3.clock, run3.timing.lateReviewsMs, run3.signal)]);
    }, "settle")
  };
}
__name(reviewRights, "reviewRights");

// src/telling.ts
function newsOf(before2, after, deadlineInMs) {
  const { observation, assessment, plan, viewNews: viewNews2 } = after;
  const { coverage } = observation.snapshot;
  const unseen = isBlind(coverage) ? unseenIn(coverage, observation.now.atMs) : null;
  return [
    ...viewNews2,
    { type: "assessed", assessment, unseen, nodes: plan.nodes, deadlineInMs },
    ...calicoNews(before2, after),
    ...restartNews(before2?.memory.restarts ?? [], after),
    ...planNews(before2, after),
    ...warningNews(before2, after),
    ...noteNews(before2, after),
    ...stabilityNews(before2, after)
  ];
}
__name(newsOf, "newsOf");
function calicoNews(before2, after) {
  const known = new Set(before2?.cases.map((one) => one.node) ?? []);
  const failures = after.cases.filter((one) => !known.has(one.node)).map(
    (one) => ({
      type: "calico-failure",
      node: one.node,
      pods: one.stuckPods.map(({ pod }) => `${pod.namespace}/${pod.name}`),
      message: one.stuckPods[0]?.error.text ?? ""
    })
  );
  return [...installationNews(before2, after), ...failures];
}
__name(calicoNews, "calicoNews");
function installationNews(before2, after) {
  const told = before2 === null ? null : foundIn(before2);
  const found = foundIn(after);
  if (found === null || JSON.stringify(told) === JSON.stringify(found)) return [];
  return found.length > 0 ? [{ type: "calico-found", installations: found }] : [{ type: "calico-absent" }];
}
__name(installationNews, "installationNews");
function foundIn({ installations, observation }) {
  const found = installations.found.map(({ daemonSet: { namespace, name } }) => ({ namespace, daemonSet: name }));
  return found.length > 0 || observation.snapshot.calico.searched ? found : null;
}
__name(foundIn, "foundIn");
function planNews(before2, after) {
  const known = new Map(before2?.plan.nodes.map((plan) => [plan.node, plan]));
  const inProgress = new Set(after.memory.restarts.filter(isPending).map(({ node }) => node));
  return after.plan.nodes.filter(isTold).map(({ node, action, why, command }) => ({ type: "planned", node, action, why, command }));
  function isTold({ node, action, why }) {
    if (action === "none" || action === "restarted" || node === after.plan.next?.node) return false;
    if (inProgress.has(node)) return false;
    const was = known.get(node);
    const isNew = was?.action !== action || withoutNumbers(was.why) !== withoutNumbers(why);
    if (action !== "waiting") return isNew;
    return !isJustFound(node, after) && (isNew || before2 !== null && isJustFound(node, before2));
  }
  __name(isTold, "isTold");
}
__name(planNews, "planNews");
function isJustFound(node, { memory, observation: { now, timing } }) {
  const foundAtMs = memory.calico.nodes.get(node)?.foundAtMs ?? now.atMs;
  return now.atMs - foundAtMs < timing.observationGapMs;
}
__name(isJustFound, "isJustFound");
function withoutNumbers(why) {
  return why.replaceAll(/(?:[0-9]+(?:ms|[hms])?)+/g, "");
}
__name(withoutNumbers, "withoutNumbers");
function restartNews(before2, { memory, observation }) {
  return memory.restarts.flatMap((restart2, index) => {
    const was = before2[index];
    const news = [];
    if (was?.answer === "lost" && restart2.answer !== "lost") {
      news.push({ type: "restarted", node: restart2.node, ...lateAnswer(restart2) });
    }
    const installedAtMs = restart2.after?.installedAtMs ?? null;
    if (restart2.after !== null && installedAtMs !== null && (was?.after?.installedAtMs ?? null) === null) {
      news.push({
        type: "installed",
        node: restart2.node,
        pod: `${restart2.before.namespace}/${restart2.after.pod}`,
        // The node's clock may be another.
        afterMs: observation.now.elapsedMs - restart2.elapsedMs
      });
    }
    if (restart2.settled !== null && (was?.settled ?? null) === null) {
      news.push({ type: "outcome", node: restart2.node, outcome: restart2.settled, why: restart2.why });
    }
    return news;
  });
}
__name(restartNews, "restartNews");
function lateAnswer({ before: before2, answer, why }) {
  const pod = `${before2.namespace}/${before2.pod}`;
  return { pod, answer: answer === "deleted" ? `${pod} is gone: the DELETE that got no answer was carried out` : why };
}
__name(lateAnswer, "lateAnswer");
function warningNews(before2, after) {
  const known = new Set(before2?.assessment.warnings.map(withoutFigures));
  return after.assessment.warnings.filter((message) => !known.has(withoutFigures(message))).map((message) => ({ type: "warning", message }));
}
__name(warningNews, "warningNews");
function withoutFigures(sentence) {
  return sentence.replaceAll(/\([^()]*\)/g, "");
}
__name(withoutFigures, "withoutFigures");
function noteNews(before2, after) {
  const known = new Set(before2?.assessment.notes.map(withoutFigures));
  return after.assessment.notes.filter((note) => !known.has(withoutFigures(note))).map((message) => ({ type: "note", message }));
}
__name(noteNews, "noteNews");
function stabilityNews(before2, after) {
  const { stableForMs } = after.observation.settings;
  const { unstable } = after.assessment;
  const [youngest] = unstable;
  if (stableForMs === 0 || youngest === void 0 || !after.assessment.complete) return [];
  const isNews = before2?.assessment.complete !== true;
  const begun = unstable.filter(({ completeForMs: completeForMs2, begunAnew }) => completeForMs2 === 0 && (begunAnew > 0 || !isNews));
  if (!isNews && begun.length === 0) return [];
  const leftMs = stableForMs - youngest.completeForMs;
  return [
    { type: "stable-window", stableForMs, leftMs, begunAnew: begun.map(({ name, because }) => ({ name, because })) }
  ];
}
__name(stabilityNews, "stabilityNews");
function warningsOf(told, { observation, installations, assessment, plan, memory }) {
  const blind = describeGaps(observation.snapshot.coverage.gaps);
  const down = plan.nodes.length === 0 ? [] : downNotes(installations, observation, memory.calico);
  const present2 = new Set(assessment.warnings.map(withoutFigures));
  const before2 = told.filter((warning2) => !present2.has(withoutFigures(warning2)));
  return [...before2, ...assessment.warnings, ...blind, ...installationNotes(installations), ...down];
}
__name(warningsOf, "warningsOf");

// src/gate.ts
async function runGate(settings, options) {
  const run3 = beginRun(settings, options);
  run3.tell({ type: "started", version: VERSION, settings }, run3.serverClock.now());
  let cluster = null;
  let kubernetesVersion = "";
  let ending;
  let seen = null;
  try {
    cluster = await dialCluster(run3, options);
    kubernetesVersion = await meet(run3, cluster);
    ending = await watchUntilDecided(run3, cluster, (look2) => {
      seen = look2;
    });
  } catch (error2) {
    ending = failedRun(run3, error2, seen);
  }
  const result = await conclude(run3, cluster, kubernetesVersion, ending);
  run3.close();
  cluster?.connection.close();
  return result;
}
__name(runGate, "runGate");
async function watchUntilDecided(run3, { connection, api }, keep) {
  const { settings, timing } = run3;
  const view = createView({ ...run3, api });
  try {
    const rights = reviewRights(run3, api);
    await tellWhile(run3, () => "the first complete look at the cluster", view.start());
    let memory = EMPTY_MEMORY;
    let last = null;
    let confirmed = false;
    let confirmFromMs = 0;
    let readAnew = false;
    let readAnewFromMs = 0;
    let listFromMs = 0;
    for (; ; ) {
      if (run3.serverClock.now().elapsedMs >= listFromMs) {
        const restarts = await listedAnew(run3, api, view, memory.restarts);
        if (restarts !== memory.restarts) listFromMs = api.now().elapsedMs + timing.confirmAgainMs;
        memory = { ...memory, restarts };
      }
      const now = api.now();
      const deadlineInMs = run3.deadlineInMs();
      const snapshot = view.snapshot();
      const runsOnNode = connection.runsOnNode ?? nodeOfOwnPod(connection.runsInPod, snapshot);
      const deleteRights = rights.toDelete();
      const look2 = lookAt(snapshot, memory, { settings, timing, now, deadlineInMs, deleteRights, runsOnNode });
      memory = look2.memory;
      keep(look2);
      focus(view, rights, look2);
      for (const event of newsOf(last, look2, deadlineInMs)) run3.tell(event, now);
      last = look2;
      const judgement = judgeLook(run3, view, look2, confirmed, deadlineInMs);
      if (judgement.kind === "end") {
        if (judgement.verdict === "inconclusive") await rights.settle();
        rights.refused(look2.observation.snapshot.coverage.gaps);
        return { ...judgement, look: look2 };
      }
      const mayRestart = readAnew;
      confirmed = false;
      readAnew = false;
      if (look2.plan.next !== null && !run3.signal.aborted) {
        const review = rights.pending();
        if (review !== null) await tellWhile(run3, () => "the review of the right to delete pods", review);
        else if (mayRestart) {
          const record2 = await restart(run3, api, look2);
          memory = { ...memory, restarts: [...memory.restarts, record2] };
          keep({ ...look2, memory });
          run3.tell(restartedEvent(record2), api.now());
        } else if (now.elapsedMs < readAnewFromMs) await waitForNews(run3, view);
        else {
          const lists = view.refreshForRestart(run3.signal);
          readAnew = await tellWhile(run3, () => "a fresh look at the nodes that are to be restarted", lists);
          readAnewFromMs = api.now().elapsedMs + (readAnew ? timing.tickMs : timing.confirmAgainMs);
          if (!readAnew) await waitForNews(run3, view);
        }
      } else if (judgement.kind === "confirm" && now.elapsedMs >= confirmFromMs) {
        run3.tell({ type: "confirming", verdict: judgement.verdict }, now);
        const lists = view.refresh(run3.signal, judgement.withEvents);
        confirmed = await tellWhile(run3, () => "a fresh look at everything", lists);
        confirmFromMs = api.now().elapsedMs + timing.confirmAgainMs;
        if (!confirmed) await waitForNews(run3, view);
      } else await waitForNews(run3, view);
    }
  } finally {
    view.close();
  }
}
__name(watchUntilDecided, "watchUntilDecided");
function judgeLook(run3, view, look2, confirmed, deadlineInMs) {
  const { assessment, observation, plan, memory, cureInProgress } = look2;
  return judge({
    assessment,
    memory: memory.health,
    coverage: observation.snapshot.coverage,
    settings: run3.settings,
    timing: run3.timing,
    now: observation.now,
    catchUpLeftMs: observation.catchUpLeftMs,
    deadlineReached: deadlineInMs <= 0,
    cureInProgress,
    nodes: plan.nodes,
    restarts: memory.restarts,
    cancelled: run3.cancelledBy(),
    apiFailure: view.failure(),
    confirmed
  });
}
__name(judgeLook, "judgeLook");
function focus(view, rights, { installations, cases, memory, observation }) {
  rights.refused(observation.snapshot.coverage.gaps);
  const namespaces = [...new Set(installations.found.map(({ daemonSet }) => daemonSet.namespace))];
  view.watchCalico(namespaces);
  rights.reviewCalico(namespaces);
  const restarted = memory.restarts.filter(({ settled }) => settled === null).map(({ node }) => node);
  view.watchNodes([.../* @__PURE__ */ new Set([...cases.map(({ node }) => node), ...restarted])]);
}
__name(focus, "focus");
async function restart(run3, api, { plan }) {
  const next = plan.next;
  if (next === null) throw new Error("there is nothing to restart");
  const pod = `${next.target.namespace}/${next.target.pod}`;
  run3.tell({ type: "restarting", node: next.node, pod }, api.now());
  const deletion = restartCalicoNode(api, next, run3.hardSignal);
  return await tellWhile(run3, () => `the answer to the DELETE of pod ${pod}`, deletion);
}
__name(restart, "restart");
async function listedAnew(run3, api, view, restarts) {
  const asked = new Set(restarts.filter((each) => needsLists(each, api.now(), run3.settings)));
  if (asked.size === 0 || run3.signal.aborted) return restarts;
  const lists = view.refreshForRestart(run3.signal);
  const areFresh = await tellWhile(run3, () => "a fresh look at what became of the restart", lists);
  return restarts.map((each) => areFresh && asked.has(each) ? { ...each, seenBy: "listed" } : each);
}
__name(listedAnew, "listedAnew");
function restartedEvent({ node, before: before2, why }) {
  return { type: "restarted", node, pod: `${before2.namespace}/${before2.pod}`, answer: why };
}
__name(restartedEvent, "restartedEvent");
async function waitForNews({ clock, serverClock, timing, signal }, view) {
  const since = serverClock.now();
  const [monotonicMs, wallMs] = [clock.monotonicMs(), clock.wallMs()];
  await sleep(clock, timing.assessGapMs, signal);
  const woken = new AbortController();
  const tick = sleep(clock, timing.tickMs - timing.assessGapMs, AbortSignal.any([signal, woken.signal]));
  await Promise.race([view.changed(), tick]);
  woken.abort();
  const limitMs = timing.tickMs + timing.standstillMs;
  const stoodForMs = clock.monotonicMs() - monotonicMs;
  const aheadMs = clock.wallMs() - wallMs;
  const advice = "nothing may suspend it while the gate runs";
  if (stoodForMs > limitMs)
    view.distrust(since, `this machine stood still for ${formatSeconds(stoodForMs)}; ${advice}`);
  else if (aheadMs > limitMs) {
    view.distrust(since, `the clock of this machine went ahead by ${formatSeconds(aheadMs)}; ${advice}`);
  }
}
__name(waitForNews, "waitForNews");
function failedRun(run3, error2, look2) {
  const message = error2 instanceof Error ? error2.message : String(error2);
  const by = run3.cancelledBy();
  const verdict = "inconclusive";
  if (by !== null) return { verdict, reason: `cancelled by ${by} before anything was decided`, look: look2 };
  if (isExpected(error2)) return { verdict, reason: message, look: look2 };
  return { verdict, reason: `a defect of Calico Health Gate itself ended the run: ${message}; please report it`, look: look2 };
}
__name(failedRun, "failedRun");
function isExpected(error2) {
  const cause = error2 instanceof Error ? error2.cause : null;
  return error2 instanceof ConnectError || isApiError(error2) || isApiError(cause);
}
__name(isExpected, "isExpected");
async function conclude(run3, cluster, kubernetesVersion, ending) {
  const { look: look2 } = ending;
  const cancelled = run3.cancelledBy() !== null;
  const restarts = closeRestarts(look2?.memory.restarts ?? []);
  const assessment = look2?.assessment ?? null;
  const findings3 = assessment === null || cluster === null || cancelled ? assessment?.findings ?? [] : await withCrashLogs(assessment.findings, look2?.observation.snapshot.pods ?? [], cluster.api, run3.hardSignal);
  const finished = run3.serverClock.now();
  const built = buildReport({
    verdict: ending.verdict,
    reason: ending.reason,
    startedAtMs: finished.atMs - finished.elapsedMs,
    finishedAtMs: finished.atMs,
    server: cluster?.connection.server ?? "",
    kubernetesVersion,
    settings: run3.settings,
    assessment: assessment === null ? null : { ...assessment, findings: findings3 },
    calico: look2 === null ? { detected: false, installations: [], nodes: [] } : reportCalico({
      memory: look2.memory.calico,
      nodes: look2.plan.nodes,
      restarts,
      installations: look2.installations
    }),
    timeline: run3.timeline(),
    api: cluster?.api.stats ?? { requests: 0, retries: 0, bytes: 0, watchRestarts: 0 },
    warnings: look2 === null ? run3.warnings() : warningsOf(run3.warnings(), look2)
  });
  const report = secretFreeReport(built, run3.hide);
  run3.tell({ type: "finished", report }, finished);
  return {
    report,
    notReadyPods: assessment?.notReadyPods ?? [],
    restartedNodes: restartedNodes(restarts),
    cancelled
  };
}
__name(conclude, "conclude");

// src/report/finding-groups.ts
function groupFindings(findings3) {
  const groups = /* @__PURE__ */ new Map();
  for (const finding of findings3) {
    const key = keyOf4(finding);
    const group = groups.get(key);
    if (group === void 0) groups.set(key, [finding]);
    else group.push(finding);
  }
  return [...groups].map(([key, members]) => {
    const first = members[0];
    return {
      key,
      subject: subjectOf2(first),
      stage: first.stage,
      cause: first.cause,
      fatal: members.some((member) => member.fatal),
      derivedFrom: first.derivedFrom,
      findings: members
    };
  });
}
__name(groupFindings, "groupFindings");
function subjectOf2(finding) {
  if (finding.owner !== null) return `${finding.owner.kind} ${qualified2(finding.namespace, finding.owner.name)}`;
  if (finding.pod !== null) return `pod ${qualified2(finding.namespace, finding.pod)}`;
  if (finding.node !== null) return `node ${finding.node}`;
  return finding.namespace === "" ? "the scope" : `namespace ${finding.namespace}`;
}
__name(subjectOf2, "subjectOf");
function qualified2(namespace, name) {
  return namespace === "" ? name : `${namespace}/${name}`;
}
__name(qualified2, "qualified");
function keyOf4(finding) {
  return JSON.stringify([
    finding.namespace,
    finding.owner?.kind ?? null,
    finding.owner?.name ?? finding.pod ?? finding.node,
    finding.stage,
    finding.cause,
    finding.derivedFrom !== null
  ]);
}
__name(keyOf4, "keyOf");
function causeOf2({ cause, stage }) {
  const isPlain = cause !== "Unknown" && (stage !== "terminating" || cause === "StuckTerminating");
  return isPlain ? cause : `${cause} (${stage})`;
}
__name(causeOf2, "causeOf");
function podsBesideSubject(group) {
  const pods = podsOf2(group);
  return group.subject === `pod ${pods}` ? "" : pods;
}
__name(podsBesideSubject, "podsBesideSubject");
function podsOf2(group) {
  const pods = group.findings.filter((finding) => finding.pod !== null);
  const first = pods[0];
  if (first === void 0 || first.pod === null) return "";
  const name = qualified2(first.namespace, first.pod);
  return pods.length === 1 ? name : `${pods.length} pods, e.g. ${name}`;
}
__name(podsOf2, "podsOf");

// src/report/finding-lines.ts
var LINES_PER_LOOK = 12;
var CLOSING_LINES = 200;
var MESSAGE_LIMIT_BYTES = 600;
var WORTH_TELLING_MS = 5e3;
var READY_AGAIN_MS = 1e4;
var RUNS_AGAIN_MS = 6e4;
function createFindingLines() {
  let known = null;
  return ({ assessment, nodes }, now) => {
    const isFirst = known === null;
    const before2 = known ?? /* @__PURE__ */ new Map();
    const after = /* @__PURE__ */ new Map();
    const told = new Map([...before2.values()].map((one) => [topicOf(one), one]));
    const lines = [];
    let untold = 0;
    for (const group of groupFindings(assessment.findings)) {
      const topic = topicOf({ subject: group.subject, cause: causeOf2(group) });
      const was = before2.get(group.key) ?? (group.derivedFrom === null ? void 0 : told.get(topic));
      const wasCalledFatal = was?.told === "yes" && was.fatal;
      const fatal = wasCalledFatal || group.fatal && !isBeingCured(group, nodes);
      const is = {
        seenMs: was?.seenMs ?? now.elapsedMs,
        lastSeenMs: now.elapsedMs,
        told: was?.told ?? "no",
        fatal,
        subject: group.subject,
        cause: causeOf2(group),
        crashing: crashingPods(group)
      };
      const line = newLine(group, was, is, isFirst, now);
      if (line !== null && lines.length < LINES_PER_LOOK) {
        lines.push(line);
        after.set(group.key, { ...is, told: "yes" });
      } else {
        if (line !== null) untold += 1;
        after.set(group.key, line === null || is.told === "yes" ? is : { ...is, told: "left" });
      }
    }
    known = after;
    const lasting2 = new Set([...after.values()].map(topicOf));
    const gone = [...before2].filter(([key, is]) => is.told === "yes" && !after.has(key) && !lasting2.has(topicOf(is)));
    const over = gone.filter(([, is]) => !runsAgain(is, assessment, now));
    for (const [key, is] of gone) if (runsAgain(is, assessment, now)) after.set(key, is);
    return [
      ...lines,
      ...untold > 0 ? [`   … and ${untold} more; the end of this log lists all that is wrong then`] : [],
      ...over.map(([, { subject, cause }]) => `✓  ${subject}: no longer ${cause}`)
    ];
  };
}
__name(createFindingLines, "createFindingLines");
function topicOf({ subject, cause }) {
  return `${subject}: ${cause}`;
}
__name(topicOf, "topicOf");
function crashingPods({ stage, findings: findings3 }) {
  if (stage !== "crash") return [];
  return findings3.flatMap(({ namespace, pod }) => pod === null ? [] : [`${namespace}/${pod}`]);
}
__name(crashingPods, "crashingPods");
function runsAgain({ crashing, lastSeenMs }, assessment, now) {
  const isStable = assessment.complete && assessment.unstable.length === 0;
  if (crashing.length === 0 || isStable) return false;
  const isReady2 = !crashing.some((pod) => assessment.notReadyPods.includes(pod));
  return now.elapsedMs - lastSeenMs < (isReady2 ? READY_AGAIN_MS : RUNS_AGAIN_MS);
}
__name(runsAgain, "runsAgain");
function isBeingCured({ cause }, nodes) {
  return cause === "CalicoUnauthorized" && nodes.some(({ action }) => action === "waiting" || action === "restarted");
}
__name(isBeingCured, "isBeingCured");
function newLine(group, was, is, isFirstLook, now) {
  const turnsFatal = was !== void 0 && !was.fatal && is.fatal && group.derivedFrom === null;
  if (was?.told === "yes") return turnsFatal ? `✗  ${is.subject}: ${is.cause}: waiting will not heal it` : null;
  if (was?.told === "left" && !turnsFatal) return null;
  const isDue = is.fatal || group.cause === "CalicoUnauthorized" || now.elapsedMs - is.seenMs >= WORTH_TELLING_MS || isFirstLook && now.atMs - oldestSinceMs(group) >= WORTH_TELLING_MS;
  return isDue ? wholeLine(group, is.fatal, now) : null;
}
__name(newLine, "newLine");
function oldestSinceMs({ findings: findings3 }) {
  return Math.min(...findings3.map(({ sinceMs }) => sinceMs));
}
__name(oldestSinceMs, "oldestSinceMs");
function wholeLine(group, fatal, now) {
  const first = group.findings[0];
  return described(group, fatal, now.atMs - first.sinceMs);
}
__name(wholeLine, "wholeLine");
function closingFindings({ findings: findings3, finishedAt }) {
  const groups = groupFindings(findings3);
  const lines = groups.slice(0, CLOSING_LINES).map((group) => {
    const first = group.findings[0];
    return described(group, group.fatal, Date.parse(finishedAt) - Date.parse(first.since));
  });
  return groups.length > lines.length ? [...lines, `and ${groups.length - lines.length} more`] : lines;
}
__name(closingFindings, "closingFindings");
function described(group, fatal, ageMs) {
  const milder = group.derivedFrom === null ? "·" : "↳";
  const pods = podsBesideSubject(group);
  const about = pods === "" ? "" : ` (${pods})`;
  const waits = group.derivedFrom === null ? "" : `, waits for ${group.derivedFrom}`;
  const since = ageMs >= 1e3 ? `, for ${formatSeconds(ageMs)}` : "";
  const message = cap(group.findings[0]?.message ?? "", MESSAGE_LIMIT_BYTES);
  return `${fatal ? "✗" : milder}  ${group.subject}${about}: ${causeOf2(group)}${waits}${since}: ${message}`;
}
__name(described, "described");

// src/report/log.ts
var HEARTBEAT_MS = 29e3;
var COUNTS_GAP_MS = 5e3;
function createLog(sink) {
  const findingLines = createFindingLines();
  const toldFindings = [];
  let lastCounts = "";
  let lastCountsMs = Number.NEGATIVE_INFINITY;
  let lastLineMs = 0;
  const say = /* @__PURE__ */ __name((text3, now) => {
    lastLineMs = now.elapsedMs;
    sink.line(logLine(`${stamp2(now)} ${text3}`));
  }, "say");
  const sayAssessment = /* @__PURE__ */ __name((event, now) => {
    const { assessment, unseen, deadlineInMs } = event;
    const isUnread = unseen !== null && assessment.counts.total === 0;
    const counts = isUnread ? "nothing was seen yet" : countsLine(assessment);
    const isDue = assessment.counts.notReady === 0 || now.elapsedMs - lastCountsMs >= COUNTS_GAP_MS;
    if (counts !== lastCounts && isDue && !isUnread) {
      lastCounts = counts;
      lastCountsMs = now.elapsedMs;
      say(counts, now);
    }
    for (const line of findingLines(event, now)) {
      toldFindings.push(line);
      say(line, now);
    }
    if (now.elapsedMs - lastLineMs >= HEARTBEAT_MS) {
      say(`${waitingFor2(event)}; ${left(deadlineInMs)}`, now);
    }
    sink.status(logLine(`${stamp2(now)} ${counts}; ${left(deadlineInMs)}`));
  }, "sayAssessment");
  return (event, now) => {
    if (event.type === "assessed") {
      sayAssessment(event, now);
      return;
    }
    if (event.type === "started") {
      sink.line(logLine(sentenceOf(event)));
      return;
    }
    if (event.type === "debug") {
      sink.debug(logLine(`${stamp2(now)} ${event.message}`));
      return;
    }
    if (event.type === "finished") {
      sink.status("");
      sayEnd(sink, event.report, toldFindings);
      return;
    }
    say(`${MARKS[event.type] ?? " "}  ${sentenceOf(event)}`, now);
  };
}
__name(createLog, "createLog");
var MARKS = {
  "missing-right": "!",
  warning: "!",
  "view-lost": "!",
  "calico-failure": "✗",
  restarting: "↻",
  outcome: "•"
};
function sayEnd(sink, report, told) {
  const findings3 = closingFindings(report);
  const message = cap(report.findings[0]?.message ?? "", MESSAGE_LIMIT_BYTES);
  const saidAll = findings3.length === 1 && [report.reason, ...told].some((line) => line.includes(message));
  sink.line("");
  if (findings3.length > 0 && !saidAll) sink.group(`What is wrong (${findings3.length})`, findings3);
  sink.line(logLine(`${report.verdict.toUpperCase()}: ${report.reason}`));
}
__name(sayEnd, "sayEnd");
function countsLine(assessment) {
  const { counts } = assessment;
  const rest = [
    [counts.notReady, "not ready"],
    [counts.starting, "starting"],
    [counts.terminating, "terminating"],
    [counts.completed, "completed"],
    [counts.superseded, "superseded"]
  ];
  const others = rest.filter(([count]) => count > 0).map(([count, name]) => `${count} ${name}`);
  const of2 = `${counts.ready} of ${counts.total} pods ready`;
  return others.length === 0 ? of2 : `${of2} (${others.join(", ")})`;
}
__name(countsLine, "countsLine");
function waitingFor2({ assessment, unseen }) {
  const worst = groupFindings(assessment.findings.filter((finding) => finding.holdsBack))[0];
  if (worst !== void 0) {
    const besides = unseen === null ? countsLine(assessment) : unseen.what;
    return `waiting: ${worst.subject}: ${causeOf2(worst)}; ${besides}`;
  }
  if (unseen !== null) return `waiting: ${unseen.what}${unseen.why}`;
  const unstable = assessment.unstable[0];
  if (unstable !== void 0)
    return `waiting: ${unstable.name} has been complete for ${formatSeconds(unstable.completeForMs)}`;
  return `waiting; ${countsLine(assessment)}`;
}
__name(waitingFor2, "waitingFor");
function left(deadlineInMs) {
  return deadlineInMs > 0 ? `${formatSeconds(deadlineInMs)} left` : "time is up";
}
__name(left, "left");
function stamp2(now) {
  const seconds = Math.max(0, Math.floor(now.elapsedMs / 1e3));
  return `${String(Math.floor(seconds / 60)).padStart(2, " ")}:${String(seconds % 60).padStart(2, "0")}`;
}
__name(stamp2, "stamp");

// src/report/report-file.ts
var import_promises3 = __nccwpck_require__(455);
var import_node_path6 = __nccwpck_require__(760);
var DEFAULT_REPORT_NAME = "calico-health-gate";
var MOST_NUMBERED = 1e3;
var LEAST_WRITE_MS = 500;
var WRITE_AFTER_CANCELLATION_MS = 3500;
var WRITE_AFTER_DEADLINE_MS = 4500;
function writeInTime({ startedAt, finishedAt }, timeoutMs, signal, clock = systemClock) {
  const ranMs = Date.parse(finishedAt) - Date.parse(startedAt);
  const limitMs = Math.max(LEAST_WRITE_MS, timeoutMs + WRITE_AFTER_DEADLINE_MS - ranMs);
  const startedMs = clock.monotonicMs();
  return async (writing, late) => {
    const done = new AbortController();
    const givenUp = /* @__PURE__ */ __name(async () => {
      const leftMs = startedMs + limitMs - clock.monotonicMs();
      await sleep(clock, leftMs, AbortSignal.any([signal, done.signal]));
      if (!signal.aborted) return limitMs === LEAST_WRITE_MS ? `${LEAST_WRITE_MS} ms` : formatSeconds(limitMs);
      const atMs = cancelledAtMs(signal, clock);
      const cancelledLeftMs = atMs + WRITE_AFTER_CANCELLATION_MS - clock.monotonicMs();
      await sleep(clock, Math.max(LEAST_WRITE_MS, cancelledLeftMs), done.signal);
      return `${formatSeconds(clock.monotonicMs() - atMs)} after the run was cancelled`;
    }, "givenUp");
    try {
      return await Promise.race([writing, givenUp().then(late)]);
    } finally {
      done.abort();
    }
  };
}
__name(writeInTime, "writeInTime");
function cancelledAtMs({ reason }, clock) {
  return reason?.atMs ?? clock.monotonicMs();
}
__name(cancelledAtMs, "cancelledAtMs");
function reportInTime(writing, inTime) {
  return inTime(writing, (within) => ({ path: "", problem: `the report could not be written within ${within}` }));
}
__name(reportInTime, "reportInTime");
async function writeReport(report, path2) {
  try {
    await (0, import_promises3.mkdir)((0, import_node_path6.dirname)(path2), { recursive: true });
    await (0, import_promises3.writeFile)(path2, reportText(report));
    return { path: path2, problem: null };
  } catch (error2) {
    return { path: "", problem: `the report could not be written to ${path2}: ${describe3(error2)}` };
  }
}
__name(writeReport, "writeReport");
async function writeNumberedReport(report, folder) {
  for (let number = 1; number <= MOST_NUMBERED; number += 1) {
    const path2 = (0, import_node_path6.join)(folder, `${DEFAULT_REPORT_NAME}${number === 1 ? "" : `-${number}`}.json`);
    try {
      await (0, import_promises3.writeFile)(path2, reportText(report), { flag: "wx" });
      return { path: path2, problem: null };
    } catch (error2) {
      if (error2.code === "EEXIST") continue;
      return { path: "", problem: `the report could not be written to ${path2}: ${describe3(error2)}` };
    }
  }
  return {
    path: "",
    problem: `the report could not be written to ${folder}: it holds ${MOST_NUMBERED} reports already`
  };
}
__name(writeNumberedReport, "writeNumberedReport");
function describe3(error2) {
  return error2 instanceof Error ? error2.message : String(error2);
}
__name(describe3, "describe");

// src/report/status-line.ts
var DEFAULT_COLUMNS = 80;
var CLEAR = "\r\x1B[2K";
function textSink(lines, status, debug3) {
  let shown = "";
  const show = /* @__PURE__ */ __name((text3) => {
    if (status.isTTY !== true || text3 === shown) return;
    status.write(`${CLEAR}${text3}`);
    shown = text3;
  }, "show");
  const line = /* @__PURE__ */ __name((text3) => {
    const before2 = shown;
    show("");
    lines.write(`${text3}
`);
    show(before2);
  }, "line");
  return {
    line,
    group: /* @__PURE__ */ __name((title, details) => {
      line(logLine(title));
      for (const detail of details) line(`  ${logLine(detail)}`);
    }, "group"),
    debug: /* @__PURE__ */ __name((text3) => {
      if (debug3) line(text3);
    }, "debug"),
    status: /* @__PURE__ */ __name((text3) => show(cutToWidth(text3, status.columns ?? DEFAULT_COLUMNS)), "status")
  };
}
__name(textSink, "textSink");
function cutToWidth(text3, columns) {
  const characters = [...text3];
  const room = Math.max(1, columns - 1);
  return characters.length <= room ? text3 : `${characters.slice(0, room - 1).join("")}…`;
}
__name(cutToWidth, "cutToWidth");

// src/report/summary.ts
var SUMMARY_LIMIT_BYTES = 1e6;
var ROWS_LIMIT = 50;
var TIMELINE_ROWS_LIMIT = 100;
var CELL_LIMIT_BYTES = 700;
var EVIDENCE_PER_NODE = 3;
var ICONS = { healthy: "✅", unhealthy: "❌", inconclusive: "❔" };
function summaryOf(report, reportFile) {
  const sections = [findings, calico, warnings, workloads, timeline].map((section2) => text2(section2(report)));
  const end2 = text2(foot(report, reportFile));
  let whole = text2(head(report));
  let isWhole = true;
  for (const section2 of sections) {
    if (Buffer.byteLength(`${whole}${section2}${TOO_LONG2}${end2}`) <= SUMMARY_LIMIT_BYTES) whole += section2;
    else isWhole = false;
  }
  return `${whole}${isWhole ? "" : TOO_LONG2}${end2}`;
}
__name(summaryOf, "summaryOf");
var TOO_LONG2 = "Something is left out here, for a summary may not be longer; the report has it.\n\n";
function text2(lines) {
  return lines.map((line) => `${line}
`).join("");
}
__name(text2, "text");
function head(report) {
  const { pods } = report;
  const counts = [
    `**${pods.ready} of ${pods.total}** pods ready`,
    ...pods.notReady > 0 ? [`**${pods.notReady}** not ready`] : [],
    ...pods.starting > 0 ? [`${pods.starting} starting`] : [],
    ...pods.terminating > 0 ? [`${pods.terminating} terminating`] : [],
    ...pods.completed > 0 ? [`${pods.completed} completed`] : [],
    ...pods.superseded > 0 ? [`${pods.superseded} superseded`] : []
  ];
  return [
    `## ${ICONS[report.verdict]} Calico Health Gate: ${report.verdict}`,
    "",
    prose(report.reason),
    "",
    `${counts.join(" · ")} · ${scope(report)} · ${formatSeconds(durationMs(report))}`,
    ""
  ];
}
__name(head, "head");
function scope(report) {
  const { selector } = report.scope;
  return selector === "" ? where(report) : `${where(report)}, selector ${markdown(selector, CELL_LIMIT_BYTES)}`;
}
__name(scope, "scope");
function where({ scope: { namespaces, excludeNamespaces } }) {
  if (namespaces.length > 0) return `namespaces ${codes(namespaces)}`;
  return excludeNamespaces.length > 0 ? `all namespaces but ${codes(excludeNamespaces)}` : "all namespaces";
}
__name(where, "where");
function codes(names) {
  const shown = names.slice(0, 10).map((name) => markdown(name));
  return names.length > shown.length ? `${shown.join(" ")} and ${names.length - shown.length} more` : shown.join(" ");
}
__name(codes, "codes");
function findings(report) {
  const groups = groupFindings(report.findings);
  if (groups.length === 0) return [];
  return [
    "### What is wrong",
    "",
    "| who | cause | what the cluster says |",
    "|---|---|---|",
    ...groups.slice(0, ROWS_LIMIT).map((group) => findingRow(group, report)),
    ...more(groups.length, ROWS_LIMIT),
    "",
    "What a cause means, and what to do about it: `npx calico-health-gate --explain CAUSE`",
    ""
  ];
}
__name(findings, "findings");
function findingRow(group, { finishedAt }) {
  const first = group.findings[0];
  const pods = podsBesideSubject(group);
  const who = [markdown(group.subject, 300), ...pods === "" ? [] : [prose(pods, 300)]];
  const since = formatSeconds(Date.parse(finishedAt) - Date.parse(first?.since ?? finishedAt));
  const waits = group.derivedFrom === null ? [] : [`waits for ${markdown(group.derivedFrom, 200)}`];
  const cause = [`**${group.cause}**`, `${group.stage}, for ${since}`, ...waits];
  return `| ${who.join("<br>")} | ${cause.join("<br>")} | ${markdown(first?.message ?? "", CELL_LIMIT_BYTES)} |`;
}
__name(findingRow, "findingRow");
function calico(report) {
  if (!report.calico.detected) return [];
  return [
    "### Calico's authorization failure",
    "",
    "On these nodes the CNI plugin could not give pods a network, because the API server rejects its token (401).",
    "",
    "| node | stuck pods | action | outcome | why |",
    "|---|---|---|---|---|",
    ...report.calico.nodes.slice(0, ROWS_LIMIT).map(
      (node) => `| ${markdown(node.node, 300)} | ${node.pods.length} | ${node.action} | ${node.outcome ?? "–"} | ${prose(node.why, CELL_LIMIT_BYTES)} |`
    ),
    ...more(report.calico.nodes.length, ROWS_LIMIT),
    "",
    ...commands(report),
    "<details><summary>Evidence</summary>",
    "",
    ...report.calico.nodes.slice(0, ROWS_LIMIT).flatMap(evidence),
    "</details>",
    ""
  ];
}
__name(calico, "calico");
function commands(report) {
  const lines = report.calico.nodes.flatMap((node) => node.command === null ? [] : [node.command]);
  if (lines.length === 0) return [];
  return [
    lines.length === 1 ? "By hand:" : "By hand, one node after the other, the next one only when pods start on the one before:",
    "",
    ...codeBlock(lines.slice(0, ROWS_LIMIT), CELL_LIMIT_BYTES),
    ""
  ];
}
__name(commands, "commands");
function evidence(node) {
  const restart2 = node.before === null ? [] : [
    `- ${markdown(node.node, 300)}: ${markdown(node.before.calicoNodePod, 300)} (since ${node.before.startedAt}) → ` + (node.after === null ? "no new pod was seen" : `${markdown(node.after.calicoNodePod, 300)} (since ${node.after.startedAt}, install-cni ${node.after.installedAt ?? "not finished"})`)
  ];
  return [
    ...node.evidence.slice(0, EVIDENCE_PER_NODE).map(
      (one) => `- ${markdown(node.node, 300)}: ${markdown(one.pod, 300)} ${markdown(one.reason, 100)} ×${one.count}, last ${one.lastSeen}: ${markdown(one.message, CELL_LIMIT_BYTES)}`
    ),
    ...restart2,
    ""
  ];
}
__name(evidence, "evidence");
function workloads(report) {
  if (report.workloads.length === 0) return [];
  const sorted = [...report.workloads].sort((a, b) => Number(a.problem === null) - Number(b.problem === null));
  return [
    `<details><summary>Workloads (${report.workloads.length})</summary>`,
    "",
    "| workload | ready | problem |",
    "|---|---|---|",
    ...sorted.slice(0, ROWS_LIMIT).map(
      (one) => `| ${one.kind} ${markdown(`${one.namespace}/${one.name}`, 300)} | ${one.ready}/${one.desired} | ${one.problem ?? "–"} |`
    ),
    ...more(sorted.length, ROWS_LIMIT),
    "",
    "</details>",
    ""
  ];
}
__name(workloads, "workloads");
function warnings(report) {
  if (report.warnings.length === 0) return [];
  return [
    "### Warnings",
    "",
    ...report.warnings.slice(0, ROWS_LIMIT).map((warning2) => `- ${prose(warning2, CELL_LIMIT_BYTES)}`),
    ...report.warnings.length > ROWS_LIMIT ? [`- and ${report.warnings.length - ROWS_LIMIT} more in the report`] : [],
    ""
  ];
}
__name(warnings, "warnings");
function timeline(report) {
  if (report.timeline.length === 0) return [];
  const half = TIMELINE_ROWS_LIMIT / 2;
  const shown = report.timeline.length <= TIMELINE_ROWS_LIMIT ? report.timeline : [...report.timeline.slice(0, half), ...report.timeline.slice(-half)];
  return [
    "<details><summary>Timeline</summary>",
    "",
    "| UTC | what |",
    "|---|---|",
    ...shown.map((entry) => `| ${entry.at.slice(11, 19)} | ${prose(entry.what, CELL_LIMIT_BYTES)} |`),
    ...more(report.timeline.length, TIMELINE_ROWS_LIMIT),
    "",
    "</details>",
    ""
  ];
}
__name(timeline, "timeline");
function foot(report, reportFile) {
  const { requests, retries, bytes, watchRestarts } = report.api;
  const api = `${requests} requests (${retries} retried), ${Math.ceil(bytes / 1024)} KiB, ${watchRestarts} watches reopened`;
  const file = reportFile === "" ? "no report file was written" : `report: ${markdown(reportFile, 1e3)}`;
  return [
    `<sub>${prose(report.cluster.server, 300)} · Kubernetes ${prose(report.cluster.kubernetesVersion, 100)} · ${api} · ${file}</sub>`,
    ""
  ];
}
__name(foot, "foot");
function more(count, limit) {
  return count > limit ? ["", `… and ${count - limit} more in the report`] : [];
}
__name(more, "more");
function durationMs(report) {
  return Date.parse(report.finishedAt) - Date.parse(report.startedAt);
}
__name(durationMs, "durationMs");

// src/settings.ts
var LEAST_RESTART_TIMEOUT_MS = 45e3;
var SHOWN_ENTRIES = 3;
var FAILING_VERDICTS = ["unhealthy", "inconclusive"];
function parseSettings(raw) {
  const problems = /* @__PURE__ */ new Map();
  const read = /* @__PURE__ */ __name((name, parse3) => {
    const parsed = parse3(textOf5(raw, name));
    if ("value" in parsed) return parsed.value;
    const { allowed, default: standIn } = specOf(name);
    problems.set(name, `\`${name}\` ${parsed.problem}; allowed: ${allowed}`);
    const fallback = parse3(standIn);
    if ("value" in fallback) return fallback.value;
    throw new Error(`the default of ${name} ${fallback.problem}`);
  }, "read");
  const settings = {
    kubeconfig: read("kubeconfig", parseKubeconfig2),
    context: read("context", parseLine2),
    namespaces: read("namespaces", parseNamespaces),
    excludeNamespaces: read("exclude-namespaces", parseNamespaces),
    selector: read("selector", parseOptionalSelector),
    selectorText: textOf5(raw, "selector"),
    timeoutMs: read("timeout", parseTimeout),
    stableForMs: read("stable-for", parseDurationInput),
    stuckAfterMs: read("stuck-after", parseDurationInput),
    minPods: read("min-pods", parseCount),
    failFast: read("fail-fast", parseBoolean),
    restartCalicoNode: read("restart-calico-node", parseBoolean),
    maxNodeRestarts: read("max-node-restarts", parseCount),
    restartTimeoutMs: read("restart-timeout", parseDurationInput),
    calicoNamespace: read("calico-namespace", parseOptionalNamespace),
    failOn: read("fail-on", parseFailOn),
    reportFile: read("report-file", parseLine2),
    jobSummary: read("job-summary", parseBoolean)
  };
  const all = [...problems.values(), ...conflicts(raw, settings, (name) => !problems.has(name))];
  return all.length > 0 ? { problems: all } : { settings, warnings: warningsAbout2(settings) };
}
__name(parseSettings, "parseSettings");
function readSettings(raw, whyUnreadable) {
  const parsed = parseSettings(raw);
  const unreadable2 = unreadableKubeconfig(textOf5(raw, "kubeconfig"), whyUnreadable);
  if (unreadable2 === null) return parsed;
  return { problems: [unreadable2, ..."problems" in parsed ? parsed.problems : []] };
}
__name(readSettings, "readSettings");
function describeProblems(problems) {
  if (problems.length <= 1) return `bad input: ${problems[0] ?? "unknown"}`;
  return `bad input, ${problems.length} problems: ${problems.map((problem, index) => `(${index + 1}) ${problem}`).join("; ")}`;
}
__name(describeProblems, "describeProblems");
function textOf5(raw, name) {
  return raw[name].trim() || specOf(name).default;
}
__name(textOf5, "textOf");
function specOf(name) {
  const spec = INPUTS.find((input) => input.name === name);
  if (spec === void 0) throw new Error(`no input is named ${name}`);
  return spec;
}
__name(specOf, "specOf");
function conflicts(raw, settings, fine) {
  const found = [];
  if (textOf5(raw, "namespaces") !== "" && textOf5(raw, "exclude-namespaces") !== "") {
    found.push(
      `\`exclude-namespaces\` is ${quote(textOf5(raw, "exclude-namespaces"))} together with \`namespaces\` ${quote(textOf5(raw, "namespaces"))}; allowed: one of the two, for namespaces are left out only when all are judged`
    );
  }
  if (fine("timeout") && fine("stable-for") && settings.stableForMs >= settings.timeoutMs) {
    found.push(
      `\`stable-for\` is ${shownOf(raw, "stable-for")} with \`timeout\` ${shownOf(raw, "timeout")}; allowed: ${specOf("stable-for").allowed}`
    );
  }
  return found;
}
__name(conflicts, "conflicts");
function shownOf(raw, name) {
  const text3 = textOf5(raw, name);
  return text3 === specOf(name).default ? `${quote(text3)} (the default)` : quote(text3);
}
__name(shownOf, "shownOf");
function warningsAbout2(settings) {
  if (!settings.restartCalicoNode) return [];
  const warnings2 = [];
  if (settings.restartTimeoutMs < LEAST_RESTART_TIMEOUT_MS) {
    warnings2.push(
      "restart-timeout is below 45s, the time of three attempts of the kubelet: a cure may be missed and the restart called in vain"
    );
  }
  if (settings.timeoutMs <= Math.min(settings.restartTimeoutMs, TIMING.leastTimeForRestartMs)) {
    warnings2.push("timeout is so short that no restart of calico-node can begin: give it minutes");
  }
  return warnings2;
}
__name(warningsAbout2, "warningsAbout");
function parseKubeconfig2(text3) {
  return looksLikeKubeconfigContent(text3) ? { problem: PASTED_KUBECONFIG } : parseLine2(text3);
}
__name(parseKubeconfig2, "parseKubeconfig");
function parseLine2(text3) {
  if (text3 === "") return { value: null };
  return new RegExp("\\p{Cc}", "u").test(text3) ? { problem: `is ${quote(text3)}` } : { value: text3 };
}
__name(parseLine2, "parseLine");
function parseDurationInput(text3) {
  const value = parseDuration(text3);
  return value === null ? { problem: `is ${quote(text3)}` } : { value };
}
__name(parseDurationInput, "parseDurationInput");
function parseTimeout(text3) {
  const parsed = parseDurationInput(text3);
  return "value" in parsed && parsed.value === 0 ? { problem: `is ${quote(text3)}` } : parsed;
}
__name(parseTimeout, "parseTimeout");
function parseCount(text3) {
  const value = Number(text3);
  return /^\d+$/.test(text3) && Number.isSafeInteger(value) ? { value } : { problem: `is ${quote(text3)}` };
}
__name(parseCount, "parseCount");
function parseBoolean(text3) {
  if (/^(?:true|True|TRUE)$/.test(text3)) return { value: true };
  if (/^(?:false|False|FALSE)$/.test(text3)) return { value: false };
  return { problem: `is ${quote(text3)}` };
}
__name(parseBoolean, "parseBoolean");
function entriesOf(text3) {
  return [...new Set(text3.split(/[\s,]+/).filter((entry) => entry !== ""))];
}
__name(entriesOf, "entriesOf");
function parseNamespaces(text3) {
  const entries = entriesOf(text3);
  const wrong = entries.filter((entry) => !isNamespaceName(entry));
  return wrong.length === 0 ? { value: entries } : { problem: `has ${shortList2(wrong)}` };
}
__name(parseNamespaces, "parseNamespaces");
function shortList2(entries) {
  const shown = entries.slice(0, SHOWN_ENTRIES).map(quote).join(", ");
  return entries.length > SHOWN_ENTRIES ? `${shown} and ${entries.length - SHOWN_ENTRIES} more` : shown;
}
__name(shortList2, "shortList");
function parseOptionalNamespace(text3) {
  if (text3 === "") return { value: null };
  return isNamespaceName(text3) ? { value: text3 } : { problem: `is ${quote(text3)}` };
}
__name(parseOptionalNamespace, "parseOptionalNamespace");
function parseOptionalSelector(text3) {
  if (text3 === "") return { value: null };
  const parsed = parseSelector(text3);
  return "selector" in parsed ? { value: parsed.selector } : { problem: `is ${quote(text3)}: ${parsed.problem}` };
}
__name(parseOptionalSelector, "parseOptionalSelector");
function parseFailOn(text3) {
  const entries = entriesOf(text3);
  if (entries.length === 1 && entries[0] === "none") return { value: [] };
  const value = entries.filter(isFailing);
  const isComplete = value.length === entries.length && entries.length > 0;
  return isComplete ? { value } : { problem: `is ${quote(text3)}` };
}
__name(parseFailOn, "parseFailOn");
function isFailing(entry) {
  return FAILING_VERDICTS.includes(entry);
}
__name(isFailing, "isFailing");

// src/cli.ts
async function runCli(argv, replaced = {}) {
  const io = { ...realIo(), ...replaced };
  const invocation = parseArguments(argv);
  switch (invocation.command) {
    case "help":
      io.stdout.write(helpText());
      return EXIT_CODES.healthy;
    case "version":
      io.stdout.write(`${VERSION}
`);
      return EXIT_CODES.healthy;
    case "explain":
      return explain(invocation.cause, io);
    case "run":
      return await run2(invocation, io);
  }
}
__name(runCli, "runCli");
function realIo() {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    whyUnreadable: whyFileIsUnreadable,
    signal: new AbortController().signal,
    secrets: createSecrets(),
    runGate
  };
}
__name(realIo, "realIo");
function explain(cause, io) {
  const explained2 = explainText(cause);
  if ("problem" in explained2) return misuse([explained2.problem], io);
  io.stdout.write(explained2.text);
  return EXIT_CODES.healthy;
}
__name(explain, "explain");
async function run2(invocation, io) {
  const parsed = readSettings(invocation.raw, io.whyUnreadable);
  const problems = [...invocation.problems, ..."problems" in parsed ? parsed.problems : []];
  if ("problems" in parsed || problems.length > 0) return misuse(problems, io);
  const { settings, warnings: warnings2 } = parsed;
  const stdout = redacted(io.stdout, io.secrets);
  const stderr = redacted(io.stderr, io.secrets);
  const sink = textSink(invocation.json ? stderr : stdout, stderr, io.env.RUNNER_DEBUG === "1");
  try {
    const result = await io.runGate(settings, {
      env: io.env,
      tell: createLog(sink),
      mask: io.secrets.add,
      signal: io.signal,
      warnings: warnings2
    });
    await publish(result, settings, io, sink);
    if (invocation.json) stdout.write(reportText(result.report));
    return exitCodeOf(result, settings);
  } finally {
    sink.status("");
  }
}
__name(run2, "run");
async function publish(result, settings, io, sink) {
  const inTime = writeInTime(result.report, settings.timeoutMs, io.signal);
  const written = settings.reportFile === null ? { path: "", problem: null } : await reportInTime(writeReport(result.report, settings.reportFile), inTime);
  if (written.problem !== null) sink.line(logLine(written.problem));
  if (written.path !== "") sink.line(logLine(`report: ${written.path}`));
  const summaryFile = io.env.GITHUB_STEP_SUMMARY ?? "";
  if (!settings.jobSummary || summaryFile === "") return;
  try {
    const writing = (0, import_promises4.appendFile)(summaryFile, summaryOf(result.report, written.path));
    await inTime(writing, (within) => {
      throw new Error(`not within ${within}`);
    });
  } catch (error2) {
    sink.line(logLine(`the job summary could not be written: ${error2.message}`));
  }
}
__name(publish, "publish");
function exitCodeOf(result, settings) {
  const { verdict } = result.report;
  if (result.cancelled) return EXIT_CODES.inconclusive;
  return settings.failOn.includes(verdict) ? EXIT_CODES[verdict] : EXIT_CODES.healthy;
}
__name(exitCodeOf, "exitCodeOf");
function misuse(problems, io) {
  const lines = problems.length === 1 ? [`calico-health-gate: ${problems[0]}`] : [`calico-health-gate: ${problems.length} problems`, ...problems.map((problem) => `  - ${problem}`)];
  for (const line of lines) io.stderr.write(`${logLine(line)}
`);
  io.stderr.write('"calico-health-gate --help" lists all flags\n');
  return EXIT_CODES.usage;
}
__name(misuse, "misuse");

// node_modules/@actions/core/lib/command.js
var os = __toESM(__nccwpck_require__(857));

// node_modules/@actions/core/lib/utils.js
function toCommandValue(input) {
  if (input === null || input === void 0) {
    return "";
  } else if (typeof input === "string" || input instanceof String) {
    return input;
  }
  return JSON.stringify(input);
}
__name(toCommandValue, "toCommandValue");
function toCommandProperties(annotationProperties) {
  if (!Object.keys(annotationProperties).length) {
    return {};
  }
  return {
    title: annotationProperties.title,
    file: annotationProperties.file,
    line: annotationProperties.startLine,
    endLine: annotationProperties.endLine,
    col: annotationProperties.startColumn,
    endColumn: annotationProperties.endColumn
  };
}
__name(toCommandProperties, "toCommandProperties");

// node_modules/@actions/core/lib/command.js
function issueCommand(command, properties, message) {
  const cmd = new Command(command, properties, message);
  process.stdout.write(cmd.toString() + os.EOL);
}
__name(issueCommand, "issueCommand");
function issue(name, message = "") {
  issueCommand(name, {}, message);
}
__name(issue, "issue");
var CMD_STRING = "::";
var Command = class {
  static {
    __name(this, "Command");
  }
  constructor(command, properties, message) {
    if (!command) {
      command = "missing.command";
    }
    this.command = command;
    this.properties = properties;
    this.message = message;
  }
  toString() {
    let cmdStr = CMD_STRING + this.command;
    if (this.properties && Object.keys(this.properties).length > 0) {
      cmdStr += " ";
      let first = true;
      for (const key in this.properties) {
        if (this.properties.hasOwnProperty(key)) {
          const val = this.properties[key];
          if (val) {
            if (first) {
              first = false;
            } else {
              cmdStr += ",";
            }
            cmdStr += `${key}=${escapeProperty(val)}`;
          }
        }
      }
    }
    cmdStr += `${CMD_STRING}${escapeData(this.message)}`;
    return cmdStr;
  }
};
function escapeData(s) {
  return toCommandValue(s).replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A");
}
__name(escapeData, "escapeData");
function escapeProperty(s) {
  return toCommandValue(s).replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A").replace(/:/g, "%3A").replace(/,/g, "%2C");
}
__name(escapeProperty, "escapeProperty");

// node_modules/@actions/core/lib/file-command.js
var crypto = __toESM(__nccwpck_require__(982));
var fs4 = __toESM(__nccwpck_require__(896));
var os2 = __toESM(__nccwpck_require__(857));
function issueFileCommand(command, message) {
  const filePath = process.env[`GITHUB_${command}`];
  if (!filePath) {
    throw new Error(`Unable to find environment variable for file command ${command}`);
  }
  if (!fs4.existsSync(filePath)) {
    throw new Error(`Missing file at path: ${filePath}`);
  }
  fs4.appendFileSync(filePath, `${toCommandValue(message)}${os2.EOL}`, {
    encoding: "utf8"
  });
}
__name(issueFileCommand, "issueFileCommand");
function prepareKeyValueMessage(key, value) {
  const delimiter3 = `ghadelimiter_${crypto.randomUUID()}`;
  const convertedValue = toCommandValue(value);
  if (key.includes(delimiter3)) {
    throw new Error(`Unexpected input: name should not contain the delimiter "${delimiter3}"`);
  }
  if (convertedValue.includes(delimiter3)) {
    throw new Error(`Unexpected input: value should not contain the delimiter "${delimiter3}"`);
  }
  return `${key}<<${delimiter3}${os2.EOL}${convertedValue}${os2.EOL}${delimiter3}`;
}
__name(prepareKeyValueMessage, "prepareKeyValueMessage");

// node_modules/@actions/core/lib/core.js
var os3 = __toESM(__nccwpck_require__(857));

// node_modules/@actions/core/lib/summary.js
var import_os = __nccwpck_require__(857);
var import_fs = __nccwpck_require__(896);
var __awaiter = function(thisArg, _arguments, P, generator) {
  function adopt(value) {
    return value instanceof P ? value : new P(function(resolve) {
      resolve(value);
    });
  }
  __name(adopt, "adopt");
  return new (P || (P = Promise))(function(resolve, reject) {
    function fulfilled(value) {
      try {
        step(generator.next(value));
      } catch (e) {
        reject(e);
      }
    }
    __name(fulfilled, "fulfilled");
    function rejected(value) {
      try {
        step(generator["throw"](value));
      } catch (e) {
        reject(e);
      }
    }
    __name(rejected, "rejected");
    function step(result) {
      result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected);
    }
    __name(step, "step");
    step((generator = generator.apply(thisArg, _arguments || [])).next());
  });
};
var { access, appendFile: appendFile2, writeFile: writeFile2 } = import_fs.promises;
var SUMMARY_ENV_VAR = "GITHUB_STEP_SUMMARY";
var Summary = class {
  static {
    __name(this, "Summary");
  }
  constructor() {
    this._buffer = "";
  }
  /**
   * Finds the summary file path from the environment, rejects if env var is not found or file does not exist
   * Also checks r/w permissions.
   *
   * @returns step summary file path
   */
  filePath() {
    return __awaiter(this, void 0, void 0, function* () {
      if (this._filePath) {
        return this._filePath;
      }
      const pathFromEnv = process.env[SUMMARY_ENV_VAR];
      if (!pathFromEnv) {
        throw new Error(`Unable to find environment variable for $${SUMMARY_ENV_VAR}. Check if your runtime environment supports job summaries.`);
      }
      try {
        yield access(pathFromEnv, import_fs.constants.R_OK | import_fs.constants.W_OK);
      } catch (_a) {
        throw new Error(`Unable to access summary file: '${pathFromEnv}'. Check if the file has correct read/write permissions.`);
      }
      this._filePath = pathFromEnv;
      return this._filePath;
    });
  }
  /**
   * Wraps content in an HTML tag, adding any HTML attributes
   *
   * @param {string} tag HTML tag to wrap
   * @param {string | null} content content within the tag
   * @param {[attribute: string]: string} attrs key-value list of HTML attributes to add
   *
   * @returns {string} content wrapped in HTML element
   */
  wrap(tag, content, attrs = {}) {
    const htmlAttrs = Object.entries(attrs).map(([key, value]) => ` ${key}="${value}"`).join("");
    if (!content) {
      return `<${tag}${htmlAttrs}>`;
    }
    return `<${tag}${htmlAttrs}>${content}</${tag}>`;
  }
  /**
   * Writes text in the buffer to the summary buffer file and empties buffer. Will append by default.
   *
   * @param {SummaryWriteOptions} [options] (optional) options for write operation
   *
   * @returns {Promise<Summary>} summary instance
   */
  write(options) {
    return __awaiter(this, void 0, void 0, function* () {
      const overwrite = !!(options === null || options === void 0 ? void 0 : options.overwrite);
      const filePath = yield this.filePath();
      const writeFunc = overwrite ? writeFile2 : appendFile2;
      yield writeFunc(filePath, this._buffer, { encoding: "utf8" });
      return this.emptyBuffer();
    });
  }
  /**
   * Clears the summary buffer and wipes the summary file
   *
   * @returns {Summary} summary instance
   */
  clear() {
    return __awaiter(this, void 0, void 0, function* () {
      return this.emptyBuffer().write({ overwrite: true });
    });
  }
  /**
   * Returns the current summary buffer as a string
   *
   * @returns {string} string of summary buffer
   */
  stringify() {
    return this._buffer;
  }
  /**
   * If the summary buffer is empty
   *
   * @returns {boolen} true if the buffer is empty
   */
  isEmptyBuffer() {
    return this._buffer.length === 0;
  }
  /**
   * Resets the summary buffer without writing to summary file
   *
   * @returns {Summary} summary instance
   */
  emptyBuffer() {
    this._buffer = "";
    return this;
  }
  /**
   * Adds raw text to the summary buffer
   *
   * @param {string} text content to add
   * @param {boolean} [addEOL=false] (optional) append an EOL to the raw text (default: false)
   *
   * @returns {Summary} summary instance
   */
  addRaw(text3, addEOL = false) {
    this._buffer += text3;
    return addEOL ? this.addEOL() : this;
  }
  /**
   * Adds the operating system-specific end-of-line marker to the buffer
   *
   * @returns {Summary} summary instance
   */
  addEOL() {
    return this.addRaw(import_os.EOL);
  }
  /**
   * Adds an HTML codeblock to the summary buffer
   *
   * @param {string} code content to render within fenced code block
   * @param {string} lang (optional) language to syntax highlight code
   *
   * @returns {Summary} summary instance
   */
  addCodeBlock(code, lang) {
    const attrs = Object.assign({}, lang && { lang });
    const element = this.wrap("pre", this.wrap("code", code), attrs);
    return this.addRaw(element).addEOL();
  }
  /**
   * Adds an HTML list to the summary buffer
   *
   * @param {string[]} items list of items to render
   * @param {boolean} [ordered=false] (optional) if the rendered list should be ordered or not (default: false)
   *
   * @returns {Summary} summary instance
   */
  addList(items, ordered = false) {
    const tag = ordered ? "ol" : "ul";
    const listItems = items.map((item) => this.wrap("li", item)).join("");
    const element = this.wrap(tag, listItems);
    return this.addRaw(element).addEOL();
  }
  /**
   * Adds an HTML table to the summary buffer
   *
   * @param {SummaryTableCell[]} rows table rows
   *
   * @returns {Summary} summary instance
   */
  addTable(rows) {
    const tableBody = rows.map((row) => {
      const cells = row.map((cell) => {
        if (typeof cell === "string") {
          return this.wrap("td", cell);
        }
        const { header, data, colspan, rowspan } = cell;
        const tag = header ? "th" : "td";
        const attrs = Object.assign(Object.assign({}, colspan && { colspan }), rowspan && { rowspan });
        return this.wrap(tag, data, attrs);
      }).join("");
      return this.wrap("tr", cells);
    }).join("");
    const element = this.wrap("table", tableBody);
    return this.addRaw(element).addEOL();
  }
  /**
   * Adds a collapsable HTML details element to the summary buffer
   *
   * @param {string} label text for the closed state
   * @param {string} content collapsable content
   *
   * @returns {Summary} summary instance
   */
  addDetails(label, content) {
    const element = this.wrap("details", this.wrap("summary", label) + content);
    return this.addRaw(element).addEOL();
  }
  /**
   * Adds an HTML image tag to the summary buffer
   *
   * @param {string} src path to the image you to embed
   * @param {string} alt text description of the image
   * @param {SummaryImageOptions} options (optional) addition image attributes
   *
   * @returns {Summary} summary instance
   */
  addImage(src, alt, options) {
    const { width, height } = options || {};
    const attrs = Object.assign(Object.assign({}, width && { width }), height && { height });
    const element = this.wrap("img", null, Object.assign({ src, alt }, attrs));
    return this.addRaw(element).addEOL();
  }
  /**
   * Adds an HTML section heading element
   *
   * @param {string} text heading text
   * @param {number | string} [level=1] (optional) the heading level, default: 1
   *
   * @returns {Summary} summary instance
   */
  addHeading(text3, level) {
    const tag = `h${level}`;
    const allowedTag = ["h1", "h2", "h3", "h4", "h5", "h6"].includes(tag) ? tag : "h1";
    const element = this.wrap(allowedTag, text3);
    return this.addRaw(element).addEOL();
  }
  /**
   * Adds an HTML thematic break (<hr>) to the summary buffer
   *
   * @returns {Summary} summary instance
   */
  addSeparator() {
    const element = this.wrap("hr", null);
    return this.addRaw(element).addEOL();
  }
  /**
   * Adds an HTML line break (<br>) to the summary buffer
   *
   * @returns {Summary} summary instance
   */
  addBreak() {
    const element = this.wrap("br", null);
    return this.addRaw(element).addEOL();
  }
  /**
   * Adds an HTML blockquote to the summary buffer
   *
   * @param {string} text quote text
   * @param {string} cite (optional) citation url
   *
   * @returns {Summary} summary instance
   */
  addQuote(text3, cite) {
    const attrs = Object.assign({}, cite && { cite });
    const element = this.wrap("blockquote", text3, attrs);
    return this.addRaw(element).addEOL();
  }
  /**
   * Adds an HTML anchor tag to the summary buffer
   *
   * @param {string} text link text/content
   * @param {string} href hyperlink
   *
   * @returns {Summary} summary instance
   */
  addLink(text3, href) {
    const element = this.wrap("a", text3, { href });
    return this.addRaw(element).addEOL();
  }
};
var _summary = new Summary();
var summary = _summary;

// node_modules/@actions/core/lib/core.js
var ExitCode;
(function(ExitCode2) {
  ExitCode2[ExitCode2["Success"] = 0] = "Success";
  ExitCode2[ExitCode2["Failure"] = 1] = "Failure";
})(ExitCode || (ExitCode = {}));
function setSecret(secret) {
  issueCommand("add-mask", {}, secret);
}
__name(setSecret, "setSecret");
function getInput(name, options) {
  const val = process.env[`INPUT_${name.replace(/ /g, "_").toUpperCase()}`] || "";
  if (options && options.required && !val) {
    throw new Error(`Input required and not supplied: ${name}`);
  }
  if (options && options.trimWhitespace === false) {
    return val;
  }
  return val.trim();
}
__name(getInput, "getInput");
function setOutput(name, value) {
  const filePath = process.env["GITHUB_OUTPUT"] || "";
  if (filePath) {
    return issueFileCommand("OUTPUT", prepareKeyValueMessage(name, value));
  }
  process.stdout.write(os3.EOL);
  issueCommand("set-output", { name }, toCommandValue(value));
}
__name(setOutput, "setOutput");
function debug2(message) {
  issueCommand("debug", {}, message);
}
__name(debug2, "debug");
function error(message, properties = {}) {
  issueCommand("error", toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
__name(error, "error");
function warning(message, properties = {}) {
  issueCommand("warning", toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
__name(warning, "warning");
function notice(message, properties = {}) {
  issueCommand("notice", toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
__name(notice, "notice");
function info(message) {
  process.stdout.write(message + os3.EOL);
}
__name(info, "info");
function startGroup(name) {
  issue("group", name);
}
__name(startGroup, "startGroup");
function endGroup() {
  issue("endgroup");
}
__name(endGroup, "endGroup");

// src/report/annotations.ts
var ANNOTATIONS_PER_LEVEL = 10;
var REASON_LIMIT_BYTES = 4e3;
var MESSAGE_LIMIT_BYTES2 = 1e3;
var TITLE_LIMIT_BYTES = 200;
var OWN_TITLE = "Calico Health Gate";
function annotationsOf(report, { fails, problems }) {
  const level = fails ? "error" : "warning";
  const isHealthy = report.verdict === "healthy";
  const reason = annotation(level, `${OWN_TITLE}: ${report.verdict}`, report.reason, REASON_LIMIT_BYTES);
  const all = [
    ...isHealthy ? [] : [reason],
    ...problems.map((problem) => annotation("warning", OWN_TITLE, problem)),
    ...findings2(report, isHealthy ? "notice" : level),
    ...report.calico.nodes.map(nodeAnnotation),
    ...report.warnings.map((warning2) => annotation("warning", OWN_TITLE, warning2))
  ];
  return [...limited(all, "error"), ...limited(all, "warning"), ...limited(all, "notice")];
}
__name(annotationsOf, "annotationsOf");
function findings2(report, level) {
  const groups = groupFindings(report.findings.filter(({ derivedFrom }) => derivedFrom === null));
  return groups.map((group) => {
    const first = group.findings[0];
    const age = Date.parse(report.finishedAt) - Date.parse(first?.since ?? report.finishedAt);
    const pods = podsBesideSubject(group);
    const message = `${pods === "" ? "" : `${pods}: `}${cap(first?.message ?? "", MESSAGE_LIMIT_BYTES2)}`;
    return annotation(level, `${group.subject}: ${causeOf2(group)}`, `${message} (for ${formatSeconds(age)})`);
  });
}
__name(findings2, "findings");
function nodeAnnotation({ node, action, outcome, why, command }) {
  return annotation(
    outcome === "cured" || action === "none" ? "notice" : "warning",
    `Calico on node ${node}: ${outcome ?? action}`,
    command === null ? why : `${why}; by hand: ${command}`
  );
}
__name(nodeAnnotation, "nodeAnnotation");
function limited(all, level) {
  const some = all.filter((one) => one.level === level);
  if (some.length <= ANNOTATIONS_PER_LEVEL) return some;
  const shown = some.slice(0, ANNOTATIONS_PER_LEVEL - 1);
  const more2 = `and ${some.length - shown.length} more: see the job summary and the report`;
  return [...shown, annotation(level, OWN_TITLE, more2)];
}
__name(limited, "limited");
function annotation(level, title, message, limitBytes = MESSAGE_LIMIT_BYTES2 + 500) {
  return { level, title: cap(field(title), TITLE_LIMIT_BYTES), message: cap(field(message), limitBytes) };
}
__name(annotation, "annotation");

// src/report/outputs.ts
var NOT_READY_PODS_LIMIT = 50;
var LIST_LIMIT_BYTES = 1e5;
function emptyOutputs(verdict, reason) {
  return {
    verdict,
    reason,
    "pods-total": "0",
    "pods-ready": "0",
    "pods-not-ready": "0",
    "not-ready-pods": "[]",
    "calico-auth-failure": "false",
    "affected-nodes": "[]",
    "restarted-nodes": "[]",
    "report-file": ""
  };
}
__name(emptyOutputs, "emptyOutputs");
function outputsOf(report, notReadyPods2, restartedNodes2, reportFile) {
  return {
    verdict: report.verdict,
    reason: report.reason,
    "pods-total": String(report.pods.total),
    "pods-ready": String(report.pods.ready),
    "pods-not-ready": String(report.pods.notReady),
    "not-ready-pods": namesJson(notReadyPods2.slice(0, NOT_READY_PODS_LIMIT)),
    "calico-auth-failure": String(report.calico.detected),
    "affected-nodes": namesJson(report.calico.nodes.map((node) => node.node)),
    "restarted-nodes": namesJson(restartedNodes2),
    "report-file": reportFile
  };
}
__name(outputsOf, "outputsOf");
function shortenedOutputs(report, restartedNodes2) {
  const lists = {
    "affected-nodes": report.calico.nodes.map(({ node }) => node),
    "restarted-nodes": restartedNodes2
  };
  const cut = Object.entries(lists).flatMap(([name, nodes]) => {
    const shown = fitting(nodes).length;
    return shown < nodes.length ? [`${name} has the first ${shown} of ${nodes.length} nodes`] : [];
  });
  return cut.length === 0 ? null : `outputs are cut, for a workflow could not use them: ${cut.join(", ")}; the report has all`;
}
__name(shortenedOutputs, "shortenedOutputs");
function namesJson(names) {
  return printableJson(fitting(names));
}
__name(namesJson, "namesJson");
function fitting(names) {
  const shown = [];
  let bytes = BRACKETS_BYTES;
  for (const name of names) {
    const clean2 = field(name);
    bytes += Buffer.byteLength(printableJson(clean2)) + COMMA_BYTES;
    if (bytes > LIST_LIMIT_BYTES) break;
    shown.push(clean2);
  }
  return shown;
}
__name(fitting, "fitting");
var BRACKETS_BYTES = 2;
var COMMA_BYTES = 1;

// src/report/actions.ts
function actionsSink() {
  return {
    line: /* @__PURE__ */ __name((text3) => info(text3), "line"),
    group: /* @__PURE__ */ __name((title, lines) => {
      startGroup(logLine(title));
      for (const line of lines) info(logLine(line));
      endGroup();
    }, "group"),
    debug: /* @__PURE__ */ __name((text3) => debug2(text3), "debug"),
    status: /* @__PURE__ */ __name(() => void 0, "status")
  };
}
__name(actionsSink, "actionsSink");
function maskIn(secrets) {
  return (secret) => {
    secrets.add(secret);
    setSecret(secret);
  };
}
__name(maskIn, "maskIn");
function publishBeginning() {
  setOutputs(emptyOutputs("inconclusive", "the gate did not come to its end"));
}
__name(publishBeginning, "publishBeginning");
function publishBadInput(message) {
  const reason = printable(message);
  setOutputs(emptyOutputs("inconclusive", reason));
  error(reason, { title: "Calico Health Gate" });
  return EXIT_CODES.unhealthy;
}
__name(publishBadInput, "publishBadInput");
async function publish2(result, settings, env, signal) {
  const { report, cancelled } = result;
  const outputs = /* @__PURE__ */ __name((path2) => outputsOf(report, result.notReadyPods, result.restartedNodes, path2), "outputs");
  const unset = setOutputs(outputs(""));
  const inTime = writeInTime(report, settings.timeoutMs, signal);
  const written = await reportInTime(writeReportFile(result, settings, env), inTime);
  if (written.path !== "") info(logLine(`report: ${written.path}`));
  const problems = [
    written.problem,
    unset ?? setOutputs(outputs(written.path)),
    shortenedOutputs(report, result.restartedNodes),
    settings.jobSummary ? await summaryInTime(writeSummary(result, written.path), inTime) : null
  ].filter((problem) => problem !== null);
  const fails = cancelled || settings.failOn.includes(report.verdict);
  for (const annotation2 of annotationsOf(report, { fails, problems })) annotate(annotation2);
  return fails ? EXIT_CODES.unhealthy : EXIT_CODES.healthy;
}
__name(publish2, "publish");
async function writeReportFile(result, settings, env) {
  if (settings.reportFile !== null) return await writeReport(result.report, settings.reportFile);
  const folder = env.RUNNER_TEMP ?? "";
  if (folder === "") return { path: "", problem: null };
  return await writeNumberedReport(result.report, folder);
}
__name(writeReportFile, "writeReportFile");
function summaryInTime(writing, inTime) {
  return inTime(writing, (within) => `the job summary could not be written within ${within}`);
}
__name(summaryInTime, "summaryInTime");
async function writeSummary(result, reportFile) {
  try {
    await summary.addRaw(summaryOf(result.report, reportFile), true).write();
    return null;
  } catch (error2) {
    return `the job summary could not be written: ${messageOf(error2)}`;
  }
}
__name(writeSummary, "writeSummary");
function setOutputs(outputs) {
  let problem = null;
  for (const [name, value] of Object.entries(outputs)) {
    try {
      setOutput(name, value);
    } catch (error2) {
      problem ??= `output ${name} could not be set: ${messageOf(error2)}`;
    }
  }
  return problem;
}
__name(setOutputs, "setOutputs");
function messageOf(error2) {
  return error2 instanceof Error ? error2.message : String(error2);
}
__name(messageOf, "messageOf");
function annotate({ level, title, message }) {
  switch (level) {
    case "error":
      error(message, { title });
      return;
    case "warning":
      warning(message, { title });
      return;
    case "notice":
      notice(message, { title });
      return;
  }
}
__name(annotate, "annotate");

// src/index.ts
async function runAction(env, signal, secrets) {
  const raw = Object.fromEntries(INPUTS.map(({ name }) => [name, getInput(name)]));
  const parsed = readSettings(raw, whyFileIsUnreadable);
  if ("problems" in parsed) return publishBadInput(describeProblems(parsed.problems));
  const { settings, warnings: warnings2 } = parsed;
  const tell = createLog(secretFreeSink(actionsSink(), secrets));
  const result = await runGate(settings, { env, tell, mask: maskIn(secrets), signal, warnings: warnings2 });
  return await publish2(result, settings, env, signal);
}
__name(runAction, "runAction");

// src/main.ts
function startAction() {
  const signal = listenForCancellation(EXIT_CODES.unhealthy);
  publishBeginning();
  start2((secrets) => runAction(process.env, signal, secrets), publishBadInput);
}
__name(startAction, "startAction");
function startCli() {
  const signal = listenForCancellation(EXIT_CODES.inconclusive);
  start2(
    (secrets) => runCli(process.argv.slice(2), { signal, secrets }),
    (message) => {
      process.stderr.write(`${logLine(message)}
`);
      return EXIT_CODES.inconclusive;
    }
  );
}
__name(startCli, "startCli");
function start2(face, tellUnexpected) {
  const secrets = createSecrets();
  const stop = /* @__PURE__ */ __name((error2) => {
    const { message, stack } = error2 instanceof Error ? error2 : new Error(String(error2));
    for (const line of secrets.hide(stack ?? "").split("\n")) process.stderr.write(`${logLine(line)}
`);
    exit(tellUnexpected(`calico-health-gate stopped unexpectedly: ${secrets.hide(message)}`));
  }, "stop");
  process.once("uncaughtException", stop);
  process.stdout.on("error", () => {
  });
  process.stderr.on("error", () => {
  });
  face(secrets).then(exit, stop);
}
__name(start2, "start");
function exit(code) {
  process.exitCode = code;
  process.stdout.write("", () => process.stderr.write("", () => endProcess(code)));
}
__name(exit, "exit");
if (startedDirectly) startAction();
// Annotate the CommonJS export names for ESM import in node:
0 && (0);


/***/ })

/******/ 	});
/************************************************************************/
/******/ 	// The module cache
/******/ 	var __webpack_module_cache__ = {};
/******/ 	
/******/ 	// The require function
/******/ 	function __nccwpck_require__(moduleId) {
/******/ 		// Check if module is in cache
/******/ 		var cachedModule = __webpack_module_cache__[moduleId];
/******/ 		if (cachedModule !== undefined) {
/******/ 			return cachedModule.exports;
/******/ 		}
/******/ 		// Create a new module (and put it into the cache)
/******/ 		var module = __webpack_module_cache__[moduleId] = {
/******/ 			// no module.id needed
/******/ 			// no module.loaded needed
/******/ 			exports: {}
/******/ 		};
/******/ 	
/******/ 		// Execute the module function
/******/ 		var threw = true;
/******/ 		try {
/******/ 			__webpack_modules__[moduleId](module, module.exports, __nccwpck_require__);
/******/ 			threw = false;
/******/ 		} finally {
/******/ 			if(threw) delete __webpack_module_cache__[moduleId];
/******/ 		}
/******/ 	
/******/ 		// Return the exports of the module
/******/ 		return module.exports;
/******/ 	}
/******/ 	
/************************************************************************/
/******/ 	/* webpack/runtime/asset-relocator-loader */
/******/ 	if (typeof __nccwpck_require__ !== 'undefined') __nccwpck_require__.ab = __dirname + "/";
/******/ 	
/************************************************************************/
/******/ 	
/******/ 	// startup
/******/ 	// Load entry module and return exports
/******/ 	// This entry module is referenced by other modules so it can't be inlined
/******/ 	var __webpack_exports__ = __nccwpck_require__(126);
/******/ 	module.exports = __webpack_exports__;
/******/ 	
/******/ })()
;
