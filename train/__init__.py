"""Vizitka's training: from Label Studio annotations to a scored model folder."""
