using System.Text.Json;
using System.Text.Json.Serialization;
using FluentValidation.Results;
using Microsoft.AspNetCore.Http;

namespace FastEndpoints;

/// <summary>Settings of <c>UseFastEndpoints</c>; process-wide, applied by the first caller as in the real package.</summary>
public sealed class Config
{
    internal static Config Current { get; } = new();

    public ErrorOptions Errors { get; } = new();

    public EndpointOptions Endpoints { get; } = new();

    public BindingOptions Binding { get; } = new();

    public SerializerOptions Serializer { get; } = new();
}

/// <summary>How failures are answered.</summary>
public sealed class ErrorOptions
{
    public int StatusCode { internal get; set; } = 400;

    public string ContentType { internal get; set; } = "application/problem+json";

    public Type? ProducesMetadataType { internal get; set; }

    public Func<List<ValidationFailure>, HttpContext, int, object> ResponseBuilder { internal get; set; } = (failures, _, _) => failures;
}

/// <summary>How endpoints are named and what is done to all of them.</summary>
public sealed class EndpointOptions
{
    public Func<EndpointNameGenerationContext, string> NameGenerator { internal get; set; } =
        context => context.EndpointType.Name + context.RouteNumber;

    public Action<EndpointDefinition>? Configurator { internal get; set; }
}

/// <summary>What a name is made from; <see cref="RouteNumber"/> counts from 1 and is null when there is one route.</summary>
public readonly struct EndpointNameGenerationContext(Type endpointType, int? routeNumber)
{
    public Type EndpointType { get; } = endpointType;

    public int? RouteNumber { get; } = routeNumber;
}

/// <summary>How bodies are bound.</summary>
public sealed class BindingOptions
{
    public bool UsePropertyNamingPolicy { get; set; }

    public Func<JsonException, ValidationFailure>? JsonExceptionTransformer { internal get; set; }

    public int JsonExceptionStatusCode { internal get; set; } = 400;
}

/// <summary>How JSON bodies are read.</summary>
public sealed class SerializerOptions
{
    public Func<HttpRequest, Type, JsonSerializerContext?, CancellationToken, ValueTask<object?>> RequestDeserializer { internal get; set; } =
        (request, type, _, ct) => request.ReadFromJsonAsync(type, ct);
}
