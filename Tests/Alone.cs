namespace Profiles.Tests;

/// <summary>Tests that keep every core busy: the deadlines of other tests would not hold beside them.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
