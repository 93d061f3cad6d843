namespace Profiles.Infrastructure.OpenApi;

/// <summary>What a route that is no slice of the framework says of an answer.</summary>
/// <param name="Status">Its status.</param>
/// <param name="Description">When it is answered.</param>
/// <param name="Value">An example of it.</param>
sealed record ResponseExample(int Status, string Description, object Value);
