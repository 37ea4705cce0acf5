#!/usr/bin/env bash
# Fails unless a version may be released from here: the tag is the one of package.json's version, the lock file has the
# same version, and the commit is on main. usage: check-tag.sh TAG
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
tag=${1:?usage: check-tag.sh TAG}

problems=0
problem() {
  echo "cannot release $tag: $1" >&2
  problems=$((problems + 1))
}

version=$(node -p "require('./package.json').version")
locked=$(node -p "require('./package-lock.json').version")
[[ $tag == "v$version" ]] || problem "package.json has version $version; change it on main and tag that commit as v$version"
[[ $locked == "$version" ]] || problem "package-lock.json has version $locked; run npm install and commit"
git merge-base --is-ancestor HEAD origin/main || problem 'its commit is not on main; tag one that was reviewed'
((problems == 0))
