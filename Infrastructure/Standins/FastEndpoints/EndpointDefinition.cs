using FluentValidation;
using Microsoft.AspNetCore.Builder;

namespace FastEndpoints;

/// <summary>What an endpoint's <c>Configure</c> said, and what was found about its types.</summary>
public sealed class EndpointDefinition(Type endpointType, Type requestDtoType, Type responseDtoType)
{
    public Type EndpointType { get; } = endpointType;

    public Type ReqDtoType { get; } = requestDtoType;

    public Type ResDtoType { get; } = responseDtoType;

    public string[] Verbs { get; internal set; } = [];

    public string[] Routes { get; internal set; } = [];

    public string[]? AnonymousVerbs { get; internal set; }

    public List<string>? PreBuiltUserPolicies { get; private set; }

    public EndpointSummary? EndpointSummary { get; internal set; }

    public string? FormDataContentType { get; internal set; }

    internal long? MaxRequestSize { get; set; }

    internal IValidator? Validator { get; init; }

    internal Action<RouteHandlerBuilder>? Conventions { get; set; }

    /// <summary>Adds policies that a caller must meet.</summary>
    public void Policies(params string[] policyNames) => (PreBuiltUserPolicies ??= []).AddRange(policyNames);
}

/// <summary>What the OpenAPI document says of an endpoint.</summary>
public class EndpointSummary
{
    public string Summary { get; set; } = "";

    public string Description { get; set; } = "";

    /// <summary>An example of the request's body.</summary>
    public object? ExampleRequest { get; set; }

    /// <summary>What each status means.</summary>
    public Dictionary<int, string> Responses { get; set; } = [];

    /// <summary>An example body for each status.</summary>
    public Dictionary<int, object> ResponseExamples { get; set; } = [];
}

/// <summary>The same with a typed example.</summary>
public class EndpointSummary<TRequest> : EndpointSummary where TRequest : notnull
{
    /// <summary>An example of the request's body.</summary>
    public new TRequest? ExampleRequest
    {
        get => (TRequest?)base.ExampleRequest;
        set => base.ExampleRequest = value;
    }
}
