#!/usr/bin/env bash
# Publishes the package of a release to npm: the very file that the release has. A version that is there already is left alone.
# usage: publish-npm.sh TAG; GITHUB_REPOSITORY says where the release is, GH_TOKEN is for gh. npm logs in by the job's identity.
set -euo pipefail
usage='usage: GITHUB_REPOSITORY=OWNER/NAME publish-npm.sh TAG'
tag=${1:?$usage}
: "${GITHUB_REPOSITORY:?$usage}"
export GH_REPO=$GITHUB_REPOSITORY
name=calico-health-gate
version=${tag#v}
file=$name-$version.tgz

# For a job that is run again after npm had taken the version.
if [[ $(npm view "$name@$version" version 2>/dev/null || true) == "$version" ]]; then
  echo "$name@$version is on npm already"
  exit 0
fi

gh release download "$tag" --pattern "$file"
# Locked, and not exchanged on the way.
gh release verify-asset "$tag" "$file"
# Without a token npm asks GitHub who this is (trusted publishing), and attests the provenance by that.
npm publish "./$file" --provenance --access public --ignore-scripts
