namespace Profiles.Tests;

/// <summary>Tests that keep every core busy, or measure times: beside them, or beside others, deadlines and times would not hold.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
