namespace Profiles.Tests;

/// <summary>Tests that keep every core busy by themselves: another's deadlines would not hold beside them.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
