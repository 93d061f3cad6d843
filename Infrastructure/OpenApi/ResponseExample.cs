namespace Profiles.Infrastructure.OpenApi;

/// <summary>Route metadata: an answer of a route that is no FastEndpoints endpoint.</summary>
/// <param name="Status">The status.</param>
/// <param name="Description">When it is answered.</param>
/// <param name="Value">An example of the body.</param>
sealed record ResponseExample(int Status, string Description, object Value);
