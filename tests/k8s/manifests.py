"""Reads the project's Kubernetes manifests, strictly: a key that is there twice is an error."""

import copy
import functools
import pathlib

import yaml

ROOT = pathlib.Path(__file__).parents[2]
FILES = ("k8s/redis.yaml", "k8s/deployment.yaml", "k8s/frontend.yaml", "k8s/ingress.yaml",
         "k8s/postgres.yaml", "k8s-deployment.yaml")


class Loader(yaml.SafeLoader):
    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key} is there twice", node.start_mark)
        return super().construct_mapping(node, deep)


def parse(text):
    return [one for one in yaml.load_all(text, Loader) if one is not None]


@functools.cache
def _objects_of(name):
    return parse((ROOT / name).read_text(encoding="utf-8"))


def objects(*files):
    """The objects of some files, or of all; copies, to be changed at will."""
    return copy.deepcopy([one for name in files or FILES for one in _objects_of(name)])


def find(those, kind, name):
    return next(one for one in those
                if one["kind"] == kind and one["metadata"]["name"] == name)
