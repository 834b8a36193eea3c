"""Set a published table beside ours."""
