"""Peers set to the same work, each module for the environment of the peer that it is named for."""
