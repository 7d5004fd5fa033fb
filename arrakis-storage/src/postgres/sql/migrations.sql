SELECT module, version FROM migration
