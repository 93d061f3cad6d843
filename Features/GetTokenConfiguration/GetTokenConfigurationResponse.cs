namespace Profiles.Features.GetTokenConfiguration;

/// <summary>What is true of this service in the terms of OpenID Connect Discovery 1.0 and RFC 8414.</summary>
/// <param name="Issuer">Exactly the tokens' <c>iss</c>.</param>
/// <param name="JwksUri">Where the public keys are.</param>
/// <param name="IntrospectionEndpoint">Where a token can be asked about (RFC 7662).</param>
/// <param name="IntrospectionEndpointAuthMethodsSupported">How an admin key is sent there.</param>
/// <param name="ResponseTypesSupported">None: there is no authorization endpoint. The standards require the member.</param>
/// <param name="SubjectTypesSupported">A user has the same <c>sub</c> for everybody.</param>
/// <param name="IdTokenSigningAlgValuesSupported">
/// The algorithm of access tokens, which verifiers look for here. There are no ID tokens.
/// </param>
sealed record GetTokenConfigurationResponse(
    string Issuer,
    string JwksUri,
    string IntrospectionEndpoint,
    IReadOnlyList<string> IntrospectionEndpointAuthMethodsSupported,
    IReadOnlyList<string> ResponseTypesSupported,
    IReadOnlyList<string> SubjectTypesSupported,
    IReadOnlyList<string> IdTokenSigningAlgValuesSupported);
