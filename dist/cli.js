#!/usr/bin/env node
'use strict';

// Becomes dist/cli.js. Every Node must be able to read this file, however old, in order to say that it is too old:
// no syntax newer than ES5, and the bundle is not loaded before the version is known to run it.

var OLDEST = [22, 19];
var USAGE_ERROR = 64;

var version = process.versions.node.split('.').map(Number);

if (version[0] < OLDEST[0] || (version[0] === OLDEST[0] && version[1] < OLDEST[1])) {
  process.stderr.write(
    'calico-health-gate needs Node.js ' + OLDEST.join('.') + ' or newer, and this is ' + process.versions.node + '\n'
  );
  process.exitCode = USAGE_ERROR;
} else {
  require('./index.js').startCli();
}
